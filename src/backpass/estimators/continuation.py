"""Continuation: which estimators can train an earlier network further, in ``partial_fit`` or with ``warm_start``."""

from __future__ import annotations

from typing import Any

from backpass.errors import BackpassError, UsageError
from backpass.estimators.parameters import settings_of
from backpass.model import Model, Settings


def continues(estimator: Any) -> bool:
    """Whether the estimator has ``partial_fit``, which needs a single network.

    Raises:
        AttributeError: It is an ensemble; the message gives the reason.
    """
    try:
        settings = settings_of(estimator.get_params(deep=False), estimator._task, seed=0)
    except (BackpassError, TypeError, ValueError):
        return True  # invalid parameters are reported when a method is called
    try:
        check_single(settings, "partial_fit", None)
    except UsageError as error:
        raise AttributeError(f"{error.message} ({error.hint})") from None
    return True


def check_single(settings: Settings, what: str, before: Model | None) -> None:
    """Check that the settings, and the earlier model if any, have a single network.

    Raises:
        UsageError: They have an ensemble.
    """
    count = max(settings.ensemble_size, 1 if before is None else before.networks)
    if count > 1 or settings.candidates > 1:
        several = f"an ensemble of {count}" if count > 1 else f"{settings.candidates} candidates"
        raise UsageError(
            f"{what} continues the training of one network; this estimator has {several}",
            hint='set preset="plain" or ensemble_size=1' if count > 1 else "set candidates=1",
        )
