"""The estimators: scikit-learn's interface to the models of ``backpass.model``.

They take X and y as scikit-learn passes them, and work in its pipelines, searches and metrics. What a network learns,
and how, is decided in the lower packages; this is the only package that imports scikit-learn.

Reading order: ``parameters``, ``columns``, ``targets``, ``weights``, ``split_columns``, ``splits``, ``continuation``,
``callback_adapter``, ``picture``, ``neural``, ``regressor``, ``classifier``.
"""

try:
    import sklearn  # noqa: F401  imported here, so that its absence raises an error with a hint
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
