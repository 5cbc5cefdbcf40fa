"""The report: training history and results of a model as numbers, as pictures, and as one HTML page.

    report(model)                   a page with the contents of the model file
    report(model, "rows.csv")       the same, and an evaluation on rows with known targets
    model.plot.history()            a single picture, as matplotlib axes
    explain(model, table)           contributions of the columns to each prediction
    permutation_importance(...)     how much the score depends on each column

The room has four inner rooms. ``numbers`` (held-out rows, curves, decisions, drift) and ``explanation`` (importance,
dependence, attribution) compute and use no plotting library; ``pictures`` draws their values; ``page`` writes the HTML.
``plot`` shows the pictures as methods of a model.
"""

from backpass.reporting.explanation.attribution import Explanation, explain
from backpass.reporting.explanation.importance import Importance, permutation_importance
from backpass.reporting.page.page import report

__all__ = ["Explanation", "Importance", "explain", "permutation_importance", "report"]
