"""The report: history and results of a model as numbers, as pictures, and as one HTML page.

    page(model)                     what the model file alone can show
    page(model, "rows.csv")         and how good it is on rows with known targets
    model.plot.history()            one picture, as matplotlib axes
    explained(model, table)         why each row got its prediction

Numbers first: ``held_out``, ``typical``, ``course``, ``bootstrap``, ``curves``, ``smooth``, ``importance``,
``dependence``, ``attribution``; they know no plotting library. Then pictures: ``style``, ``figures``, ``scene`` and
``drawing``, ``plot``; then the page: ``findings``, ``pictures``, ``whatif``, ``page``.
"""

from backpass.report.attribution import Explanation, explained
from backpass.report.page import page

__all__ = ["Explanation", "explained", "page"]
