"""The estimators: scikit-learn's manners over the room ``model``.

Comes in: X and y as scikit-learn passes them. Goes out: estimators for its pipelines, searches and metrics. What a
network learns, and how, is decided below; this is the only room that imports scikit-learn.

Reading order: ``parameters``, ``columns``, ``weights``, ``watching``, ``picture``, ``neural``, ``regressor``,
``classifier``.
"""

try:
    import sklearn  # noqa: F401  asked for here, so that its absence gets a hint
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    raise ModuleNotFoundError(
        "BackpassRegressor and BackpassClassifier need scikit-learn, which is not installed\n\n"
        "hint: pip install 'backpass[sklearn]'; backpass.fit works without it",
        name="sklearn",
    ) from error

from backpass.estimators.classifier import BackpassClassifier
from backpass.estimators.regressor import BackpassRegressor

__all__ = ["BackpassClassifier", "BackpassRegressor"]
