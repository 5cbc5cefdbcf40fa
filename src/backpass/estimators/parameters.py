"""The parameters: the estimators' parameters translated to the settings of ``backpass.model``.

Every parameter is one of the settings (``model.settings.declarations``), except that ``hidden`` and ``seed`` have
scikit-learn's names, ``hidden_layer_sizes`` and ``random_state``. A constraint is declared once, with its setting, and
translated here to scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.metrics import CHOOSING, MAIN_METRICS
from backpass.model.settings.constraint import Choice, ClassName, Constraint, Function, Number, NumberOrName, Switch
from backpass.model.settings.declarations import BY_NAME, SETTINGS
from backpass.model.settings.presets import PRESETS
from backpass.model.settings.setting import frozen
from backpass.model.settings.settings import Settings
from backpass.model.settings.tuple_constraints import Amounts, Factors, Several, Widths, Wires

RENAMED = {"hidden_layer_sizes": "hidden", "random_state": "seed"}
"""Parameter name -> setting name."""

OWN_LOSS = "loss"
"""The metric name of a user-defined loss."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an estimator.

    Attributes:
        annotation: Its type, as source text.
        default: Its default.
        accepted: scikit-learn's constraints of its values.
    """

    annotation: str
    default: Any
    accepted: Sequence[Any]


OWN: Mapping[str, Parameter] = {
    "hidden_layer_sizes": Parameter(
        "int | Sequence[int] | None", None, [Interval(Integral, 1, Widths().most, closed="both"), "array-like", None]
    ),
    "preset": Parameter("str | None", "default", [StrOptions({*PRESETS}), None]),
    "loss": Parameter(
        "str | Callable[..., Any]", "squared", [StrOptions({*MAIN_METRICS} - {"cross_entropy"}), callable]
    ),
    "quantile": Parameter("float | Sequence[float]", 0.5, [Interval(Real, 0, 1, closed="neither"), "array-like"]),
    "metric": Parameter("str | None", None, [StrOptions({*CHOOSING, OWN_LOSS}), None]),
    "class_weight": Parameter("str | Mapping[Any, float] | None", None, [StrOptions({"balanced"}), dict, None]),
    "reading": Parameter("Mapping[str, Any] | None", None, [Mapping, None]),
    "warm_start": Parameter("bool", False, ["boolean"]),
    "callbacks": Parameter("Sequence[Callback] | None", None, [list, tuple, None]),
    "random_state": Parameter("Any", 0, ["random_state"]),
}
"""The parameters that accept other values than their setting, or that are not settings."""

OF_CLASSIFIER: Mapping[str, Parameter] = {
    **OWN,
    "loss": Parameter("str | Callable[..., Any]", "cross_entropy", [StrOptions({"cross_entropy"}), callable]),
}

FOLLOWING = frozenset(setting.name for setting in SETTINGS if setting.follows_preset)
"""Settings that take the preset's value if the parameter is None."""


def declared(name: str, own: Mapping[str, Parameter] = OWN) -> Parameter:
    """A parameter of an estimator: one of its own, or that of the setting.

    >>> declared("patience").annotation, [str(each) for each in declared("patience").accepted]
    ('int | None', ['an int in the range [1, 1000000000]', 'None'])

    Raises:
        KeyError: No setting has this name.
    """
    if name in own:
        return own[name]
    setting = BY_NAME[RENAMED.get(name, name)]
    annotation, accepted = setting.constraint.annotation, _translated(setting.constraint)
    if setting.default is None or setting.follows_preset:
        return Parameter(f"{annotation} | None", None, [*accepted, None])
    return Parameter(annotation, setting.default, accepted)


def constraints(names: Iterable[str], own: Mapping[str, Parameter] = OWN) -> dict[str, list[Any]]:
    """scikit-learn's constraints of each parameter."""
    return {name: [*declared(name, own).accepted] for name in names}


def _translated(constraint: Constraint) -> list[Any]:
    if isinstance(constraint, Function):
        return [StrOptions(set(constraint.names)), callable]
    if isinstance(constraint, Choice):
        return [StrOptions(set(constraint.names))]
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
        errors += [f"quantile contains {q} twice" for q in sorted({q for q in several if several.count(q) > 1})]
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
    """The user-defined loss; None if the loss is a name.

    Raises:
        UsageError: It is a class, or does not take two arguments.
    """
    loss: Callable[..., Any] = parameters["loss"]
    if not callable(loss):
        return None
    try:
        takes_two = signature(loss).bind(None, None) is not None
    except TypeError:
        takes_two = False
    except ValueError:  # a function of C has no signature
        takes_two = True
    if isinstance(loss, type) or not takes_two:
        raise UsageError(
            f"loss must be a name or a function of the outputs and the targets; got {loss!r}",
            hint="loss=lambda outputs, targets: ...",
        )
    return loss


def seed_of(random_state: Any) -> int:
    """An int as it is; otherwise a number drawn from the generator, or from NumPy's global one for None."""
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
