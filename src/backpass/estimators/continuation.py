"""Continuation: which estimators can train an earlier network further, in ``partial_fit`` or with ``warm_start``."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from backpass.errors import BackpassError, UsageError
from backpass.estimators.parameters import settings_of
from backpass.model import Model, Settings


class OfOneNetwork:
    """A decorator of a method that only an estimator with a single network has.

    As with scikit-learn's ``available_if``, ``hasattr`` is False for the others; the message of their AttributeError
    gives the reason, which ``available_if`` leaves to the exception's cause.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        """Decorate a method."""
        self._method = method

    def __get__(self, estimator: Any, owner: type) -> Callable[..., Any]:
        """The method of an estimator, or the function of its class.

        Raises:
            AttributeError: The estimator is an ensemble.
        """
        if estimator is None:
            return self._method
        name = self._method.__name__
        if reason := _reason_against(estimator, name):
            raise AttributeError(f"This {owner.__name__!r} has no attribute {name!r}: {reason}")
        return MethodType(self._method, estimator)


def _reason_against(estimator: Any, what: str) -> str:
    """Why the training of an estimator cannot continue; empty if it can."""
    try:
        settings = settings_of(estimator.get_params(deep=False), estimator._task, seed=0)
    except (BackpassError, TypeError, ValueError):
        return ""  # invalid parameters are reported when a method is called
    try:
        check_single(settings, what, None)
    except UsageError as error:
        return f"{error.message} ({error.hint})"
    return ""


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
