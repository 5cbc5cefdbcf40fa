"""The settings of a fit: every choice that a user can make, declared once.

Each field of ``Settings`` is a setting. Its declaration holds the type, the default in the plain preset, the accepted
values, the help text, the group, and what other code has to know about it. The command line, TOML files, model files,
the documentation and the parameter checks of the estimators read ``SETTINGS``, the list of all declarations. Other
presets change some of the defaults (see ``presets``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from backpass.engine import ENGINES, why_no_bf16
from backpass.errors import UsageError, did_you_mean
from backpass.model.file.older_facts import SETTING_NAMES
from backpass.model.metrics import CHOOSING
from backpass.model.settings.constraint import (
    Amounts,
    Choice,
    ClassName,
    ColumnName,
    Constraint,
    Factors,
    Function,
    Number,
    NumberOrName,
    Several,
    Switch,
    Widths,
    Wires,
)
from backpass.model.settings.presets import PRESETS
from backpass.network import (
    ACTIVATIONS,
    CUSTOM,
    GROUPS,
    INITIALIZATIONS,
    SCALINGS,
    Activation,
    CustomActivation,
    activation_of,
)
from backpass.training import OPTIMIZERS, SAMPLINGS, SCHEDULES

_LOSSES = ("squared", "absolute", "huber", "quantile", "poisson", "cross_entropy")
THRESHOLD_RULES = ("f1", "balanced", "cost")
"""What a threshold chosen on held-out rows optimizes: F1, balanced accuracy or cost."""

_POSITIVE = Number(0, open_low=True)
_SHARE = Number(0, 1, open_high=True)
_COUNT = Number(1, 1_000_000_000, whole=True)


@dataclass(frozen=True, slots=True)
class Setting:
    """The declaration of one setting.

    Attributes:
        name: The Python argument, the TOML key and, with hyphens, the command-line option.
        default: The default in the plain preset.
        constraint: The accepted values.
        help: One line for users. Square brackets at its end say what the default None stands for.
        group: The section of the help: preset, data, network, training, decision or engine.
        repeated: Whether the command-line option can be given several times.
        follows_preset: Whether an estimator's parameter None stands for the preset's value.
        describes_network: Whether setting it selects the preset plain, unless a preset is named.
        is_stored: Whether model files hold it; what cannot change the result is not stored.
        since: The first model-file format that holds it.
        older: The meaning of a file without it. None: the default of plain.
        notes: The values that the notes (CS229) have; None if they leave it open.
        is_optional: Whether model files leave it out if it is None.
    """

    name: str
    default: Any
    constraint: Constraint
    help: str
    group: str
    repeated: bool = False
    follows_preset: bool = False
    describes_network: bool = False
    is_stored: bool = True
    since: int = 1
    older: Any = None
    notes: tuple[Any, ...] | None = None
    is_optional: bool = False

    def problem(self, value: Any) -> str:
        """What is wrong with a value, in one line; empty if it is accepted."""
        if (value is None and self.default is None) or self.constraint.accepts(value):
            return ""
        hint = self.constraint.hint(value)
        return f"{self.name} must be {self.constraint.describe()}; got {value!r}{f' ({hint})' if hint else ''}"

    def read(self, text: str) -> Any:
        """Parse a value from text; the text itself if it cannot be parsed (``problem`` then says so)."""
        try:
            return self.constraint.read(text)
        except ValueError:
            return text


def _setting(default: Any, constraint: Constraint, help: str, group: str, **facts: Any) -> Any:
    """A field of ``Settings`` with its declaration; the field's name becomes the setting's."""
    return field(metadata={"default": default, "constraint": constraint, "help": help, "group": group, **facts})


def _data(default: Any, constraint: Constraint, help: str, **facts: Any) -> Any:
    return _setting(default, constraint, help, "data", **facts)


def _network(default: Any, constraint: Constraint, help: str, **facts: Any) -> Any:
    return _setting(default, constraint, help, "network", **facts)


def _training(default: Any, constraint: Constraint, help: str, **facts: Any) -> Any:
    return _setting(default, constraint, help, "training", **facts)


def _decision(default: Any, constraint: Constraint, help: str) -> Any:
    return _setting(default, constraint, help, "decision", since=3)


@dataclass(frozen=True, slots=True)
class Settings:
    """Validated settings. Each field is a setting, with its declaration as the field's metadata.

    Attributes:
        given: The settings that the user set, without any defaults.
    """

    preset: str = _setting(
        None,
        Choice(tuple(PRESETS)),
        "named set of defaults [default, or plain with --hidden and the like]",
        "preset",
        since=2,
    )
    task: str | None = _data(None, Choice(("regression", "classification")), "kind of task [detected from the target]")
    validation_fraction: float = _data(
        None,
        _SHARE,
        "share of the rows used for validation [0; 0.16 if patience, metric or calibration needs validation rows]",
        follows_preset=True,
        notes=(0.0,),
    )
    test_fraction: float = _data(0.2, _SHARE, "share of the rows used for the test score")
    group: str | None = _data(
        None,
        ColumnName(),
        "column of groups (patients, customers, machines); no group is on two sides of a split [each row is alone]",
        since=3,
        is_optional=True,
    )
    time: str | None = _data(
        None,
        ColumnName(),
        "column of dates or numbers; the latest rows test, those before them validate [splits are random]",
        since=3,
        is_optional=True,
    )
    hidden: tuple[int, ...] = _network(
        None,
        Widths(),
        "widths of the hidden layers, such as 64,64, or none [256,256]",
        follows_preset=True,
        describes_network=True,
    )
    activation: Activation = _network(  # noqa: RUF009  a declaration, not a mutable default
        "relu",
        Function(tuple(ACTIVATIONS)),
        "activation of the hidden layers",
        follows_preset=True,
        describes_network=True,
        notes=("relu", "sigmoid", "tanh", "identity"),
    )
    output_activation: Activation = _network(  # noqa: RUF009  as above
        "identity",
        Function(tuple(ACTIVATIONS)),
        "activation of the output layer",
        describes_network=True,
        notes=("identity", "relu", "sigmoid", "tanh"),
    )
    wire: tuple[tuple[str, tuple[str, ...]], ...] = _network(
        (), Wires(), "a hidden unit and the columns it reads: name=column,column", repeated=True, describes_network=True
    )
    dropout: float = _network(0.0, _SHARE, "dropout rate of the hidden layers", follows_preset=True, notes=(0.0,))
    initialization: str = _network(
        "he",
        Choice((*INITIALIZATIONS, "data")),
        "initialization of the weights",
        follows_preset=True,
        describes_network=True,
        notes=tuple(INITIALIZATIONS),
    )
    categorical_encoding: str = _network(
        "one_hot",
        Choice(("one_hot", "scaled")),
        "categorical columns as 0 and 1, or scaled like numbers",
        follows_preset=True,
        since=2,
        notes=("one_hot",),
    )
    max_one_hot_levels: int | None = _network(
        None,
        _COUNT,
        "categorical columns with more levels get an embedding [never]",
        follows_preset=True,
        since=2,
        notes=(None,),
    )
    embedding_dim: int = _network(
        8, Number(1, 10_000, whole=True), "dimension of the embeddings", follows_preset=True, since=2
    )
    quantile_features: bool = _network(
        False,
        Switch(),
        "add the quantile rank of each number as an input",
        follows_preset=True,
        since=2,
        notes=(False,),
    )
    numerical_scaling: str = _network(
        "standard",
        Choice(tuple(SCALINGS)),
        "scaling of numeric columns; standard: mean and standard deviation; robust: quartiles, and a smooth clip",
        follows_preset=True,
        since=3,
        older="robust",
        notes=("none",),
    )
    numerical_embedding: str = _network(
        "none",
        Choice(("none", "periodic")),
        "embedding of each numeric column",
        follows_preset=True,
        since=2,
        notes=("none",),
    )
    frequency_scale: tuple[float, ...] = _network(
        (0.1,),
        Several(_POSITIVE),
        "standard deviation of the initial frequencies of periodic embeddings; several: one per network, in turn [0.1]",
        follows_preset=True,
        since=2,
    )
    learned_input_scale: bool = _network(
        False, Switch(), "learn a scale factor for each input", follows_preset=True, since=2, notes=(False,)
    )
    parametrization: str = _network(
        "standard",
        Choice(("standard", "ntk")),
        "parametrization of the layers; ntk: weights of order 1 at any width",
        follows_preset=True,
        since=2,
        notes=("standard",),
    )
    parametric_activation: bool = _network(
        False,
        Switch(),
        "learn the strength of each unit's nonlinearity",
        follows_preset=True,
        since=2,
        notes=(False,),
    )
    calibration: str = _training(
        "none",
        Choice(("none", "temperature")),
        "calibration of the probabilities on the validation rows",
        follows_preset=True,
        since=2,
        notes=("none",),
    )
    clip_predictions: str = _network(
        "none",
        Choice(("none", "training")),
        "clip predicted numbers to the range of the training targets",
        follows_preset=True,
        since=2,
        notes=("none",),
    )
    metric: str | None = _training(
        None, Choice(CHOOSING), "metric that selects the best epoch [that of the loss]", since=2
    )
    loss: str | None = _training(
        None,
        Choice(_LOSSES),
        "loss function [squared, or cross_entropy for classes]",
        notes=(None, "squared", "cross_entropy"),
    )
    quantile: float = _training(0.5, Number(0, 1, open_low=True, open_high=True), "q of the quantile loss")
    huber_delta: float = _training(
        1.0, _POSITIVE, "where the Huber loss becomes linear, in standard deviations of the target"
    )
    label_smoothing: float = _training(
        0.0, _SHARE, "probability spread evenly over all classes", follows_preset=True, notes=(0.0,)
    )
    optimizer: str = _training(
        "adamw",
        Choice(tuple(OPTIMIZERS)),
        "optimizer",
        follows_preset=True,
        describes_network=True,
        notes=("sgd",),
    )
    learning_rate: float = _training(
        None,
        _POSITIVE,
        "learning rate alpha [0.01; 0.1 for sgd, 0.02 with momentum]",
        follows_preset=True,
        describes_network=True,
    )
    schedule: str = _training(
        "cosine",
        Choice(tuple(SCHEDULES)),
        "schedule of the learning rate",
        follows_preset=True,
        describes_network=True,
        notes=("constant",),
    )
    momentum: float = _training(0.9, _SHARE, "momentum coefficient of momentum and nesterov", follows_preset=True)
    beta1: float = _training(0.9, _SHARE, "decay rate of Adam's first moment", follows_preset=True)
    beta2: float = _training(0.999, _SHARE, "decay rate of Adam's second moment", follows_preset=True)
    weight_decay: float = _training(0.0, Number(0), "weight decay (decoupled L2)", follows_preset=True, notes=(0.0,))
    learning_rate_multiplier: tuple[tuple[str, float], ...] = _training(
        (),
        Factors(GROUPS),
        "multiplier of the learning rate for a parameter group: bias=0.1",
        repeated=True,
        follows_preset=True,
        since=2,
        notes=((),),
    )
    dropout_schedule: str = _training(
        "constant", Choice(tuple(SCHEDULES)), "schedule of the dropout rate", follows_preset=True, since=2
    )
    weight_decay_schedule: str = _training(
        "constant", Choice(tuple(SCHEDULES)), "schedule of the weight decay", follows_preset=True, since=2
    )
    max_grad_norm: float | None = _training(None, _POSITIVE, "maximum global gradient norm [no limit]", notes=(None,))
    batch_size: int | None = _training(
        None, _COUNT, "rows per step, B [32 to 1024, depending on the number of rows]", follows_preset=True
    )
    epochs: int = _training(100, _COUNT, "passes over the training rows", follows_preset=True)
    max_steps: int | None = _training(
        None, _COUNT, "maximum number of steps, n_iter of the notes [no limit]", describes_network=True
    )
    sampling: str = _training(
        "epoch",
        Choice(tuple(SAMPLINGS)),
        "sampling scheme of the rows of a step",
        follows_preset=True,
        describes_network=True,
        notes=("uniform", "minibatch", "full"),
    )
    patience: int | None = _training(
        None, _COUNT, "stop after this many epochs without improvement [never]", notes=(None,)
    )
    max_seconds: float | None = _training(None, _POSITIVE, "stop after this many seconds [never]", is_stored=False)
    ensemble_size: int = _training(
        1,
        Number(1, 1_000, whole=True),
        "number of networks that are trained and averaged",
        follows_preset=True,
        since=2,
        notes=(1,),
    )
    ensemble_split: str = _training(
        "folds",
        Choice(("folds", "split")),
        "validation rows of each network of an ensemble: a fold of its own, or the same split for all",
        follows_preset=True,
        since=2,
    )
    seed: int = _training(0, Number(0, 2**64 - 1, whole=True), "seed of all random choices")
    positive: str | float | None = _decision(None, ClassName(), "positive class of two [the rarer one]")
    threshold: float | str | None = _decision(
        None,
        NumberOrName(Number(0, 1, open_low=True, open_high=True), THRESHOLD_RULES),
        "probability from which the positive class is predicted; f1, balanced, cost: chosen on held-out rows [0.5]",
    )
    cost: tuple[tuple[str, float], ...] | None = _decision(
        None,
        Amounts(("false_positive", "false_negative")),
        "cost of each kind of error, for the threshold that costs least: false_positive=50,false_negative=500 [none]",
    )
    class_weight: str | tuple[tuple[Any, float], ...] | None = _decision(
        None,
        Amounts((), ("balanced",)),
        "weight of each class in the loss, balanced or a=1,b=5; probabilities are corrected for it [1 for every class]",
    )
    precision: str = _setting(
        "float32",
        Choice(("float32", "bf16", "float64")),
        "number format of training; bf16 rounds the factors of large products",
        "engine",
        notes=("float32", "float64"),
    )
    engine: str = _setting(
        "auto",
        Choice(("auto", *ENGINES)),
        "engine that runs the circuits; auto: the fastest",
        "engine",
        is_stored=False,
    )
    threads: int | None = _setting(
        None,
        Number(1, 1023, whole=True),
        "threads of the native engine [all available cores]",
        "engine",
        is_stored=False,
    )
    given: tuple[tuple[str, Any], ...] = field(default=(), compare=False, repr=False)

    @staticmethod
    def of(values: Mapping[str, Any], task: str | None = None, rows: int = 0, *, trains: bool = True) -> Settings:
        """The preset's defaults, overridden by ``values``; ``preset_for`` selects the preset if none is named.

        Args:
            values: Settings by name, as the user set them.
            task: The task that the target implies, if known.
            rows: The number of training rows, if known.
            trains: Whether these settings are used to train on this machine, rather than only to describe a model.

        Raises:
            UsageError: Lists every unknown name and every value that is not accepted.
        """
        problems = [_unknown(name) for name in values if name not in BY_NAME]
        given = {name: _frozen(value) for name, value in values.items()}
        for name in sorted(name for name in _ACTIVATIONS & given.keys() if callable(given[name])):
            try:
                given[name] = activation_of(given[name])
            except UsageError as error:
                problems.append(f"{name}: {error.message}; {error.hint}")
                del given[name]
        preset = given.get("preset") or preset_for(given)
        defaults = _defaults(preset, given, task or given.get("task"), rows)
        chosen = {setting.name: given.get(setting.name, defaults[setting.name]) for setting in SETTINGS}
        problems += [problem for setting in SETTINGS if (problem := setting.problem(chosen[setting.name]))]
        problems += _conflicts(chosen) if not problems else []
        if not problems and trains and chosen["precision"] == "bf16" and (why := why_no_bf16(chosen["engine"])):
            problems.append(why)
        if problems:
            count = f"{len(problems)} settings cannot be used" if len(problems) > 1 else "a setting cannot be used"
            raise UsageError(count, faults=problems)
        chosen["preset"] = preset
        if chosen["hidden"] is None:
            chosen["hidden"] = () if chosen["wire"] else (256, 256)
        if chosen["learning_rate"] is None:
            chosen["learning_rate"] = _LEARNING_RATES.get(chosen["optimizer"], 0.01)
        if chosen["validation_fraction"] is None:
            chosen["validation_fraction"] = 0.16 if _needs_validation(chosen) else 0.0
        return Settings(**chosen, given=tuple(given.items()))

    def suited(self, task: str, rows: int = 0) -> Settings:
        """The same user settings, with the preset's defaults for this task and number of training rows."""
        return Settings.of(dict(self.given), task, rows)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        kept = [each.name for each in SETTINGS if each.is_stored]
        data = {name: getattr(self, name) for name in kept}
        data = {name: value for name, value in data.items() if value is not None or not BY_NAME[name].is_optional}
        return {name: CUSTOM if isinstance(value, CustomActivation) else _listed(value) for name, value in data.items()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Settings:
        """The settings that ``to_json`` wrote; where an activation was a function, the preset's.

        Raises:
            UsageError: A setting is missing, unknown or not accepted.
        """
        stored = [setting for setting in SETTINGS if setting.is_stored]
        absent = [setting.name for setting in stored if setting.since == 1 and setting.name not in data]
        if absent:
            raise UsageError(f"settings are missing: {', '.join(absent)}")
        before = {s.name: s.default if s.older is None else s.older for s in stored if s.since > 1}
        # A function is in the network of the file, not in its settings.
        known = {name: value for name, value in data.items() if not (name in _ACTIVATIONS and value == CUSTOM)}
        return Settings.of({**before, "preset": "plain", **known}, trains=False)


SETTINGS: tuple[Setting, ...] = tuple(Setting(each.name, **each.metadata) for each in fields(Settings) if each.metadata)
"""Every setting, in the order of the help."""

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}

_ACTIVATIONS = {setting.name for setting in SETTINGS if isinstance(setting.constraint, Function)}
_LEARNING_RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02}


def default_settings(preset: str, task: str | None, metric: str | None, rows: int = 0) -> dict[str, Any]:
    """The defaults of a preset as the model file holds them; "preset" itself has none.

    Args:
        preset: The preset.
        task: The task, if known.
        metric: The metric that selects the best epoch, if set.
        rows: The number of training rows, if known.
    """
    found = _defaults(preset, {"metric": metric}, task, rows)
    found["validation_fraction"] = found["validation_fraction"] or 0.0
    return {name: _listed(value) for name, value in found.items()}


def preset_for(given: Mapping[str, Any]) -> str:
    """The preset if none is named: ``default``, or ``plain`` if the user describes a network or its training."""
    is_described = any(given.get(setting.name) is not None for setting in SETTINGS if setting.describes_network)
    return "plain" if is_described else "default"


def not_in_notes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings whose values the notes (CS229) do not have: what a run adds to their network and algorithms.

    >>> not_in_notes({"optimizer": "adamw", "dropout": 0.0, "seed": 7})
    {'optimizer': 'adamw'}
    """
    declared = (setting for setting in SETTINGS if setting.notes is not None and setting.name in values)
    return {s.name: values[s.name] for s in declared if s.notes and _frozen(values[s.name]) not in s.notes}


def _needs_validation(values: Mapping[str, Any]) -> bool:
    """Whether a setting has no meaning without validation rows."""
    return values["patience"] is not None or values["metric"] is not None or values["calibration"] != "none"


def _unknown(name: str) -> str:
    if name in SETTING_NAMES:
        return f"setting {name!r} is now called {SETTING_NAMES[name]!r}"
    return f"unknown setting {name!r} ({did_you_mean(name, list(BY_NAME))})"


def _defaults(preset: Any, given: Mapping[str, Any], task: str | None, rows: int) -> dict[str, Any]:
    """The default of every setting in a preset; those of plain if the preset does not exist."""
    defaults = {setting.name: setting.default for setting in SETTINGS}
    if isinstance(preset, str) and preset in PRESETS:
        defaults.update(PRESETS[preset].defaults(task, given.get("metric"), rows))
    return defaults


def _listed(value: Any) -> Any:
    """Tuples as lists, at any depth."""
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    """Lists as tuples, at any depth, and mappings as tuples of pairs."""
    value = list(value.items()) if isinstance(value, Mapping) else value
    return tuple(_frozen(part) for part in value) if isinstance(value, list | tuple) else value


def _conflicts(values: Mapping[str, Any]) -> list[str]:
    """Settings that are valid by themselves but contradict each other."""
    problems = []
    if values["group"] is not None and values["group"] == values["time"]:
        problems.append(f"group and time are the same column {values['group']!r}")
    if (values["validation_fraction"] or 0.0) + values["test_fraction"] >= 1:
        problems.append("validation_fraction and test_fraction must leave rows to train on (their sum is 1 or more)")
    names = [name for name, _ in values["wire"]]
    problems += [f"wire names the unit {name!r} twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if values["wire"] and values["initialization"] == "data":
        problems.append("initialization 'data' needs dense layers; it cannot be combined with wire")
    learned = values["numerical_embedding"] != "none" or values["max_one_hot_levels"] is not None
    if values["wire"] and (learned or values["quantile_features"]):
        problems.append(
            "embeddings and quantile features cannot be combined with wire, which names columns as they are"
        )
    if values["task"] == "classification" and values["loss"] not in (None, "cross_entropy"):
        problems.append(f"loss {values['loss']!r} is for regression, but task is classification")
    groups = [name for name, _ in values["learning_rate_multiplier"]]
    problems += [
        f"learning_rate_multiplier names {name!r} twice" for name in sorted({g for g in groups if groups.count(g) > 1})
    ]
    if values["threshold"] == "cost" and values["cost"] is None:
        problems.append(
            "threshold 'cost' needs the cost of each kind of error: cost false_positive=50,false_negative=500"
        )
    if values["task"] == "regression" and values["loss"] == "cross_entropy":
        problems.append("loss 'cross_entropy' is for classes, but task is regression")
    return problems
