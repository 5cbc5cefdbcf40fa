"""The settings of a fit: every choice a user can make, with its default in the plain preset.

The Python function, the command line, the model file and the documentation all read this one table. Other presets
(``presets``) give some settings other defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from backpass.engine import ENGINES, why_no_bf16
from backpass.errors import UsageError, did_you_mean
from backpass.model.metrics import CHOOSING
from backpass.model.settings.presets import PRESETS
from backpass.model.settings.setting import Choice, Factors, Number, Setting, Several, Switch, Widths, Wires
from backpass.network import ACTIVATIONS, GROUPS, INITIALIZATIONS
from backpass.training import OPTIMIZERS, SAMPLINGS, SCHEDULES

_LOSSES = ("squared", "absolute", "huber", "quantile", "poisson", "cross_entropy")
_POSITIVE = Number(0, open_low=True)
_COUNT = Number(1, 1_000_000_000, whole=True)

TABLE: tuple[Setting, ...] = (
    Setting(
        "preset",
        None,
        Choice(tuple(PRESETS)),
        "a recipe: what other settings are unless given [default; plain beside --hidden and the like]",
        "preset",
    ),
    Setting("task", None, Choice(("regression", "classification")), "what the target asks for [from the data]", "data"),
    Setting("validation_fraction", 0.16, Number(0, 1, open_high=True), "share of rows for validation", "data"),
    Setting("test_fraction", 0.2, Number(0, 1, open_high=True), "share of rows for the test score", "data"),
    Setting("hidden", None, Widths(), "units of the hidden layers, such as 64,64, or none [256,256]", "network"),
    Setting("activation", "relu", Choice(tuple(ACTIVATIONS)), "activation of the hidden layers", "network"),
    Setting("output_activation", "identity", Choice(tuple(ACTIVATIONS)), "activation of the output layer", "network"),
    Setting(
        "wire", (), Wires(), "a hidden unit wired to some columns: name=column,column (repeatable)", "network", True
    ),
    Setting("dropout", 0.1, Number(0, 1, open_high=True), "share of hidden values dropped in training", "network"),
    Setting("initialization", "he", Choice((*INITIALIZATIONS, "data")), "how weights start", "network"),
    Setting(
        "categorical_encoding",
        "one_hot",
        Choice(("one_hot", "scaled")),
        "columns of texts as 0 and 1, or scaled as numbers are",
        "network",
    ),
    Setting("max_one_hot_levels", None, _COUNT, "columns of more levels get an embedding [never]", "network"),
    Setting("embedding_dim", 8, Number(1, 10_000, whole=True), "numbers that stand for a text", "network"),
    Setting("quantile_features", False, Switch(), "give each number its rank as a second view", "network"),
    Setting(
        "numerical_embedding", "none", Choice(("none", "periodic")), "what is learned about single numbers", "network"
    ),
    Setting(
        "frequency_scale",
        (0.1,),
        Several(_POSITIVE),
        "deviation of the first frequencies of periodic; several: network after network [0.1]",
        "network",
    ),
    Setting("learned_input_scale", False, Switch(), "learn a factor for each input", "network"),
    Setting(
        "parametrization",
        "standard",
        Choice(("standard", "scaled")),
        "scaled: weights of order 1, whatever the width",
        "network",
    ),
    Setting("parametric_activation", False, Switch(), "learn how far each unit bends", "network"),
    Setting(
        "calibration",
        "none",
        Choice(("none", "temperature")),
        "probabilities as they come, or with a temperature from the validation rows",
        "training",
    ),
    Setting(
        "clip_predictions", "none", Choice(("none", "training")), "range that predicted numbers are kept in", "network"
    ),
    Setting("metric", None, Choice(CHOOSING), "what chooses the best epoch [what goes with the loss]", "training"),
    Setting("loss", None, Choice(_LOSSES), "what is minimized [squared, or cross_entropy for classes]", "training"),
    Setting("quantile", 0.5, Number(0, 1, open_low=True, open_high=True), "q of the quantile loss", "training"),
    Setting("huber_delta", 1.0, _POSITIVE, "where the huber loss bends, in target standard deviations", "training"),
    Setting("label_smoothing", 0.0, Number(0, 1, open_high=True), "share of a class label spread evenly", "training"),
    Setting("optimizer", "adamw", Choice(tuple(OPTIMIZERS)), "how the gradient is used", "training"),
    Setting("learning_rate", None, _POSITIVE, "alpha [0.01; 0.1 for sgd, 0.02 with momentum]", "training"),
    Setting("schedule", "cosine", Choice(tuple(SCHEDULES)), "how the learning rate moves over the run", "training"),
    Setting("momentum", 0.9, Number(0, 1, open_high=True), "mu of momentum and nesterov", "training"),
    Setting("beta1", 0.9, Number(0, 1, open_high=True), "memory of adam's first moment", "training"),
    Setting("beta2", 0.999, Number(0, 1, open_high=True), "memory of adam's second moment", "training"),
    Setting("weight_decay", None, Number(0), "pull of the weights towards 0 [0.1 for adamw, else 0]", "training"),
    Setting(
        "learning_rate_multiplier",
        (),
        Factors(GROUPS),
        "learning rate of a group of parameters, as a factor: bias=0.1 (repeatable)",
        "training",
        True,
    ),
    Setting("dropout_schedule", "constant", Choice(tuple(SCHEDULES)), "how dropout moves over the run", "training"),
    Setting(
        "weight_decay_schedule", "constant", Choice(tuple(SCHEDULES)), "how weight decay moves over the run", "training"
    ),
    Setting("max_grad_norm", None, _POSITIVE, "greatest length of a gradient [no limit]", "training"),
    Setting("batch_size", None, _COUNT, "rows per step, B [32 to 1024, by the number of rows]", "training"),
    Setting("epochs", 100, _COUNT, "passes over the training rows", "training"),
    Setting("max_steps", None, _COUNT, "end after so many steps, n_iter [when the epochs are done]", "training"),
    Setting("sampling", "epoch", Choice(tuple(SAMPLINGS)), "how the rows of a step are drawn", "training"),
    Setting("patience", None, _COUNT, "end after so many epochs without a better score [never]", "training"),
    Setting("max_seconds", None, _POSITIVE, "end after so many seconds [never]", "training"),
    Setting("ensemble_size", 1, Number(1, 1_000, whole=True), "networks that are trained and averaged", "training"),
    Setting(
        "ensemble_split",
        "folds",
        Choice(("folds", "split")),
        "rows of each network of an ensemble: all folds but one, or the same",
        "training",
    ),
    Setting("seed", 0, Number(0, 2**64 - 1, whole=True), "every random choice follows from it", "training"),
    Setting(
        "precision",
        "float32",
        Choice(("float32", "bf16", "float64")),
        "the numbers training computes with; bf16 rounds the factors of large products",
        "engine",
    ),
    Setting("engine", "auto", Choice(("auto", *ENGINES)), "what runs the circuits; auto: the fastest", "engine"),
    Setting("threads", None, Number(1, 1023, whole=True), "cores the native engine uses [all it may]", "engine"),
)
"""Every setting. Square brackets in a help text say what None, the default, stands for."""

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in TABLE}

_NOT_KEPT = ("max_seconds", "engine", "threads")
_ADDED = (
    "preset",
    "categorical_encoding",
    "max_one_hot_levels",
    "embedding_dim",
    "quantile_features",
    "numerical_embedding",
    "frequency_scale",
    "learned_input_scale",
    "parametrization",
    "parametric_activation",
    "clip_predictions",
    "calibration",
    "metric",
    "learning_rate_multiplier",
    "dropout_schedule",
    "weight_decay_schedule",
    "ensemble_size",
    "ensemble_split",
)
"""Settings that the first model files lack; they meant the plain defaults."""

_OWN_NETWORK = (
    "hidden",
    "activation",
    "output_activation",
    "wire",
    "initialization",
    "optimizer",
    "learning_rate",
    "schedule",
    "sampling",
    "max_steps",
)
"""Who gives one of these, and no preset, describes a network and its training: nothing of a recipe is mixed in."""

_LEARNING_RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02}


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that have been checked; see ``TABLE`` for their meaning.

    ``asked`` is what was given, without any default.
    """

    preset: str
    task: str | None
    validation_fraction: float
    test_fraction: float
    hidden: tuple[int, ...]
    activation: str
    output_activation: str
    wire: tuple[tuple[str, tuple[str, ...]], ...]
    dropout: float
    initialization: str
    categorical_encoding: str
    max_one_hot_levels: int | None
    embedding_dim: int
    quantile_features: bool
    numerical_embedding: str
    frequency_scale: tuple[float, ...]
    learned_input_scale: bool
    parametrization: str
    parametric_activation: bool
    calibration: str
    clip_predictions: str
    metric: str | None
    loss: str | None
    quantile: float
    huber_delta: float
    label_smoothing: float
    optimizer: str
    learning_rate: float
    schedule: str
    momentum: float
    beta1: float
    beta2: float
    weight_decay: float
    learning_rate_multiplier: tuple[tuple[str, float], ...]
    dropout_schedule: str
    weight_decay_schedule: str
    max_grad_norm: float | None
    batch_size: int | None
    epochs: int
    max_steps: int | None
    sampling: str
    patience: int | None
    max_seconds: float | None
    ensemble_size: int
    ensemble_split: str
    seed: int
    precision: str
    engine: str
    threads: int | None
    asked: tuple[tuple[str, Any], ...] = field(default=(), compare=False, repr=False)

    @staticmethod
    def of(values: Mapping[str, Any], task: str | None = None, rows: int = 0, *, trains: bool = True) -> Settings:
        """Defaults of the preset, see ``preset_for`` where none is named, overridden by ``values``.

        task, rows: what the target turned out to ask for, and the number of training rows, where they are known
        trains: whether they are for training here, and not just those of a model that was trained somewhere

        Errors: UsageError that lists every unknown name and every value that cannot be used.
        """
        faults = [
            f"unknown setting {name!r} ({did_you_mean(name, list(BY_NAME))})" for name in values if name not in BY_NAME
        ]
        asked = {name: _frozen(value) for name, value in values.items()}
        preset = asked.get("preset") or preset_for(asked)
        usual = _defaults(preset, asked, task or asked.get("task"), rows)
        chosen = {setting.name: asked.get(setting.name, usual[setting.name]) for setting in TABLE}
        faults += [fault for setting in TABLE if (fault := setting.fault(chosen[setting.name]))]
        faults += _conflicts(chosen) if not faults else []
        if not faults and trains and chosen["precision"] == "bf16" and (why := why_no_bf16(chosen["engine"])):
            faults.append(why)
        if faults:
            count = f"{len(faults)} settings cannot be used" if len(faults) > 1 else "a setting cannot be used"
            raise UsageError(count, faults=faults)
        chosen["preset"] = preset
        if chosen["hidden"] is None:
            chosen["hidden"] = () if chosen["wire"] else (256, 256)
        if chosen["learning_rate"] is None:
            chosen["learning_rate"] = _LEARNING_RATES.get(chosen["optimizer"], 0.01)
        if chosen["weight_decay"] is None:
            # Only adamw is made for it: elsewhere it would be a penalty that nobody asked for.
            chosen["weight_decay"] = 0.1 if chosen["optimizer"] == "adamw" else 0.0
        return Settings(**chosen, asked=tuple(asked.items()))

    def suited(self, task: str, rows: int = 0) -> Settings:
        """The same wishes, with the preset's defaults for the task that the target sets and the training rows."""
        return Settings.of(dict(self.asked), task, rows)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file; what does not shape the result (time limit, engine, threads) is left out."""
        data = asdict(self)
        for name in (*_NOT_KEPT, "asked"):
            del data[name]
        return {name: _listed(value) for name, value in data.items()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Settings:
        """The settings that ``to_json`` wrote.    Errors: UsageError, also for a setting that is not there."""
        absent = [name for name in BY_NAME if name not in data and name not in (*_NOT_KEPT, *_ADDED)]
        if absent:
            raise UsageError(f"settings are missing: {', '.join(absent)}")
        before = {name: BY_NAME[name].default for name in _ADDED} | {"preset": "plain"}
        return Settings.of({**before, **data}, trains=False)


def usual_settings(preset: str, task: str | None, metric: str | None, rows: int = 0) -> dict[str, Any]:
    """The defaults of a preset as the model file holds them; "preset" itself has none."""
    return {name: _listed(value) for name, value in _defaults(preset, {"metric": metric}, task, rows).items()}


def preset_for(asked: Mapping[str, Any]) -> str:
    """The preset of who names none: the recipe, or plain where a network or its training is described."""
    return "plain" if any(asked.get(name) is not None for name in _OWN_NETWORK) else "default"


def _defaults(preset: Any, asked: Mapping[str, Any], task: str | None, rows: int) -> dict[str, Any]:
    """Every setting as the preset has it, where that is one."""
    usual = {setting.name: setting.default for setting in TABLE}
    if isinstance(preset, str) and preset in PRESETS:
        usual.update(PRESETS[preset].defaults(task, asked.get("metric"), rows))
    return usual


def _listed(value: Any) -> Any:
    """Tuples as lists, at any depth."""
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    """Lists as tuples, at any depth."""
    return tuple(_frozen(part) for part in value) if isinstance(value, list | tuple) else value


def _conflicts(values: Mapping[str, Any]) -> list[str]:
    faults = []
    if values["validation_fraction"] + values["test_fraction"] >= 1:
        faults.append("validation_fraction and test_fraction must leave rows to train on (their sum is 1 or more)")
    names = [name for name, _ in values["wire"]]
    faults += [f"wire names the unit {name!r} twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if values["wire"] and values["initialization"] == "data":
        faults.append("initialization 'data' needs dense layers; it does not go with wire")
    learned = values["numerical_embedding"] != "none" or values["max_one_hot_levels"] is not None
    if values["wire"] and (learned or values["quantile_features"]):
        faults.append("embeddings and ranks do not go with wire, which names columns as they are")
    if values["task"] == "classification" and values["loss"] not in (None, "cross_entropy"):
        faults.append(f"loss {values['loss']!r} is for regression, but task is classification")
    groups = [name for name, _ in values["learning_rate_multiplier"]]
    faults += [
        f"learning_rate_multiplier names {name!r} twice" for name in sorted({g for g in groups if groups.count(g) > 1})
    ]
    if values["task"] == "regression" and values["loss"] == "cross_entropy":
        faults.append("loss 'cross_entropy' is for classes, but task is regression")
    return faults
