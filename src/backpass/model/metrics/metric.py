"""A metric: its declaration, and the table of all metrics.

Each metric is declared once. The settings, the command line, the report and the tests read ``METRICS``.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Literal, TypeAlias

from backpass.dataclass import dataclass
from backpass.model.metrics import decision, probability, ranking, regression

MetricTask: TypeAlias = Literal["regression", "classification"]

FEWEST_ROWS = 10
"""A score on fewer rows is meaningless: none are set aside for it, and it is not compared with a constant."""


@dataclass(frozen=True, slots=True)
class Metric:
    """The declaration of a metric. The docstring of its function says what it measures.

    Attributes:
        name: The name in settings, files and JSON.
        title: The name in texts.
        task: The task whose predictions it judges.
        lower_is_better: Whether smaller values are better.
        function: (predicted, y, ..., weights=) -> value.
        options: The keyword arguments of ``function`` other than ``weights``: the quantile "q", the number of the
            "positive" class, the "decided" class of each row.
        chooses: Whether it can select the best epoch.
        needs: What the targets must satisfy: "" (nothing), "no zero", or "two classes".
        source: Where it was defined.
    """

    name: str
    title: str
    task: MetricTask
    lower_is_better: bool
    function: Callable[..., float]
    options: tuple[str, ...] = ()
    chooses: bool = True
    needs: str = ""
    source: str = ""

    @property
    def formula(self) -> str:
        """One line that says what is computed."""
        return (self.function.__doc__ or "").partition("\n")[0]


def _number(
    name: str, title: str, lower: bool, function: Callable[..., float], *options: str, needs: str = "", source: str = ""
) -> Metric:
    return Metric(name, title, "regression", lower, function, options, needs=needs, source=source)


def _classes(
    name: str, title: str, lower: bool, function: Callable[..., float], *options: str, needs: str = "", source: str = ""
) -> Metric:
    return Metric(name, title, "classification", lower, function, options, needs=needs, source=source)


_PAIRS = "two classes"

_TABLE = (
    _number("rmse", "RMSE", True, regression.rmse),
    _number("mae", "MAE", True, regression.mae),
    _number("r2", "R2", False, regression.r2),
    _number("median_absolute_error", "median absolute error", True, regression.median_absolute_error),
    _number("mape", "MAPE", True, regression.mape, needs="no zero"),
    _number("pinball", "quantile loss", True, regression.pinball, "q", source="Koenker & Bassett 1978"),
    _number("poisson_deviance", "Poisson deviance", True, regression.poisson_deviance),
    _classes("log_loss", "log loss", True, probability.log_loss),
    _classes("accuracy", "accuracy", False, decision.accuracy, "decided"),
    _classes("roc_auc", "ROC AUC", False, ranking.roc_auc, "positive", needs=_PAIRS, source="Hanley 1982"),
    _classes("average_precision", "average precision", False, ranking.average_precision, "positive", needs=_PAIRS),
    _classes("f1", "F1", False, decision.f1, "positive", "decided", source="van Rijsbergen 1979"),
    _classes("precision", "precision", False, decision.precision, "positive", "decided"),
    _classes("recall", "recall", False, decision.recall, "positive", "decided"),
    _classes("balanced_accuracy", "balanced accuracy", False, decision.balanced_accuracy, "decided"),
    _classes("mcc", "MCC", False, decision.mcc, "decided", source="Matthews 1975; Gorodkin 2004"),
    _classes("brier", "Brier score", True, probability.brier, source="Brier 1950"),
    _classes(
        "calibration_error", "calibration error (ECE)", True, probability.calibration_error, source="Guo et al. 2017"
    ),
    _classes("error", "error", True, decision.error, "decided"),
)

METRICS: MappingProxyType[str, Metric] = MappingProxyType({metric.name: metric for metric in _TABLE})
"""Every metric by name, in the order in which they are reported."""

LOWER_IS_BETTER = frozenset({*(metric.name for metric in _TABLE if metric.lower_is_better), "loss"})
"""The metrics whose smaller values are better; "loss" is that of a user-defined loss."""

CHOOSING = tuple(metric.name for metric in _TABLE if metric.chooses)
"""The metrics that can select the best epoch."""
