"""The report: training history and results of a model as numbers, as pictures, and as one HTML page.

    report(model)                   a page with the contents of the model file
    report(model, "rows.csv")       the same, and an evaluation on rows with known targets
    model.plot.history()            a single picture, as matplotlib axes
    explain(model, table)           contributions of the columns to each prediction
    permutation_importance(...)     how much the score depends on each column

The modules form three layers. Numbers: ``held_out``, ``typical``, ``learning_curve``, ``curves``,
``smooth``, ``importance``, ``dependence``, ``attribution``; they use no plotting library. Pictures: ``style``,
``figures``, ``scene``, ``drawing``, ``plot``. The page: ``findings``, ``pictures``, ``whatif``, ``page``.
"""

from backpass.reporting.attribution import Explanation, explain
from backpass.reporting.importance import Importance, permutation_importance
from backpass.reporting.page import report

__all__ = ["Explanation", "Importance", "explain", "permutation_importance", "report"]
