"""The intervals around predicted numbers: which models have them, and which quantiles can be requested."""

from __future__ import annotations

from collections.abc import Sequence

from backpass.errors import UsageError
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals


def known_intervals(head: Head, intervals: Intervals | None, what: str) -> Intervals:
    """The intervals of a model.

    Args:
        head: The targets.
        intervals: The intervals; None if the model keeps none.
        what: What they are needed for, for the message.

    Raises:
        UsageError: The model predicts classes or quantiles, or keeps no residuals.
    """
    name = head.target.name
    if head.classes or head.are_labels:
        raise UsageError(f"target {name!r} holds classes; only numbers have {what}")
    if len({each.target.name for each in head.targets}) < head.outputs:
        raise UsageError(f"the outputs of this model are quantiles of {name!r}; they have no {what}")
    if intervals is None:
        raise UsageError(
            f"the model has no residuals for {what}",
            hint="fit it again, with validation rows (--validation-fraction, --validation-file)",
        )
    return intervals


def checked_quantiles(head: Head, intervals: Intervals | None, asked: Sequence[float | str]) -> tuple[float, ...]:
    """The quantiles as numbers, in ascending order.

    Args:
        head: The targets.
        intervals: The intervals; None if the model keeps none.
        asked: The quantiles.

    Raises:
        UsageError: As ``known_intervals``; the outputs are quantiles already; or lists all invalid values.
    """
    if isinstance(asked, str) or not hasattr(asked, "__len__"):
        raise UsageError(f"quantiles takes a list of numbers; got {asked!r}", hint=f"quantiles=[{asked}]")
    if head.loss_name == "quantile":
        found = ", ".join(f"q={each.q!r}" for each in head.targets)
        raise UsageError(
            f"the outputs of this model are quantiles already: {found} of {head.target.name!r}",
            hint="predict without --quantiles; for others, fit with loss squared, or with another --quantile",
        )
    return known_intervals(head, intervals, "quantiles").checked(asked)
