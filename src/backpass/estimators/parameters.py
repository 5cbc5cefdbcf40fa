"""The parameters: the estimators' parameters translated to the settings of ``backpass.model``.

Every parameter is one of the settings (``model.settings.declarations``), except that ``hidden`` and ``seed`` have
scikit-learn's names, ``hidden_layer_sizes`` and ``random_state``. A constraint is declared once, with its setting, and
translated here to scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from backpass.errors import UsageError
from backpass.model.metrics import CHOOSING, MAIN_METRICS
from backpass.model.settings.constraint import Choice, ClassName, Constraint, Function, Number, NumberOrName, Switch
from backpass.model.settings.declarations import BY_NAME, SETTINGS
from backpass.model.settings.setting import frozen
from backpass.model.settings.settings import Settings
from backpass.model.settings.tuple_constraints import Amounts, Factors, Several, Widths, Wires

RENAMED = {"hidden_layer_sizes": "hidden", "random_state": "seed"}
"""Parameter name -> setting name."""

OWN_LOSS = "loss"
"""The metric name of a user-defined loss."""

OWN: Mapping[str, list[Any]] = {
    "loss": [StrOptions({*MAIN_METRICS} - {"cross_entropy"}), callable],
    "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    "metric": [StrOptions({*CHOOSING, OWN_LOSS}), None],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "callbacks": [list, tuple, None],
    "reading": [Mapping, None],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
}
"""Constraints of the parameters that accept more here than their setting does, or that are not settings."""

FOLLOWING = frozenset(setting.name for setting in SETTINGS if setting.follows_preset)
"""Settings that take the preset's value if the parameter is None."""

FOR_CLASSES = {"loss": [StrOptions({"cross_entropy"}), callable]}


def constraints(names: Mapping[str, Any], own: Mapping[str, list[Any]] = OWN) -> dict[str, list[Any]]:
    """scikit-learn's constraints of each parameter.

    >>> [str(each) for each in constraints({"dropout": 0.1, "patience": None})["patience"]]
    ['an int in the range [1, 1000000000]', 'None']
    """
    return {name: own[name] if name in own else _of_table(RENAMED.get(name, name)) for name in names}


def _of_table(name: str) -> list[Any]:
    setting = BY_NAME[name]
    return [*_translated(setting.constraint), *([None] if setting.default is None or name in FOLLOWING else [])]


def _translated(constraint: Constraint) -> list[Any]:
    if isinstance(constraint, Function):
        return [StrOptions(set(constraint.names)), callable]
    if isinstance(constraint, Choice):
        return [StrOptions(set(constraint.names))]
    if isinstance(constraint, Widths):
        return [Interval(Integral, 1, constraint.most, closed="both"), "array-like"]
    if isinstance(constraint, Several):
        return [*_translated(constraint.each), "array-like"]
    if isinstance(constraint, Wires | Factors):
        return ["array-like"]
    if isinstance(constraint, Switch):
        return ["boolean"]
    if isinstance(constraint, NumberOrName):
        return [*_translated(constraint.number), StrOptions(set(constraint.names))]
    if isinstance(constraint, ClassName):
        return [str, Real, "boolean"]
    if isinstance(constraint, Amounts):
        return [dict, "array-like"]
    assert isinstance(constraint, Number)
    low, high = (None if np.isinf(bound) else bound for bound in (constraint.low, constraint.high))
    left, right = low is not None and not constraint.open_low, high is not None and not constraint.open_high
    closed = {(True, True): "both", (True, False): "left", (False, True): "right", (False, False): "neither"}
    return [Interval(Integral if constraint.whole else Real, low, high, closed=closed[left, right])]


def settings_of(parameters: Mapping[str, Any], task: str, seed: int) -> Settings:
    """The settings that correspond to the parameters of an estimator.

    No rows are set aside for a test: with scikit-learn, the caller splits the data.

    Raises:
        UsageError: A parameter cannot be used.
    """
    given = {RENAMED.get(name, name): value for name, value in parameters.items() if value is not None}
    # class_weight multiplies the weights of the rows, as in scikit-learn; see ``weights``.
    unlike = ("seed", "class_weight")
    # A parameter with its setting's default is not set: it does not select the preset plain.
    known = {name: BY_NAME[name].normal(value) for name, value in given.items() if name in BY_NAME}
    values = {
        name: value
        for name, value in known.items()
        if name not in unlike and (name in FOLLOWING or value != BY_NAME[name].default)
    }
    own = callable(values["loss"])
    if own or values["loss"] == ("squared" if task == "regression" else "cross_entropy"):
        del values["loss"]  # the target selects it, as in ``fit``: it describes no network
    if own and values.get("metric") == OWN_LOSS:  # the default for a user-defined loss
        del values["metric"]
    several = values.get("quantile")
    if isinstance(several, tuple):
        errors = [message for q in several if (message := BY_NAME["quantile"].problem(q))]
        errors += [f"quantile names {q} twice" for q in sorted({q for q in several if several.count(q) > 1})]
        if errors or not several:
            raise UsageError("quantile must be a number, or several of them", details=errors)
        values["quantile"] = several[0]
    try:
        return Settings.of({**values, "task": task, "test_fraction": 0.0, "seed": seed})
    except UsageError as error:
        errors = [message.replace("hidden must", "hidden_layer_sizes must") for message in error.details]
        raise UsageError(error.message, hint=error.hint, details=errors) from None


def quantiles_of(parameters: Mapping[str, Any]) -> tuple[float, ...]:
    """The quantiles to predict at once; empty if the loss predicts a single quantile or none."""
    q = frozen(parameters.get("quantile"))
    return q if parameters["loss"] == "quantile" and isinstance(q, tuple) else ()


def own_loss(parameters: Mapping[str, Any]) -> Callable[..., Any] | None:
    """The user-defined loss; None if the loss is a name."""
    loss = parameters["loss"]
    return loss if callable(loss) else None


def seed_of(random_state: Any) -> int:
    """An int as it is; otherwise a number drawn from the generator, or from NumPy's global one for None."""
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
