"""Declarations of the settings: every choice that a user can make, declared once.

Each field of ``SettingValues`` is a setting. Its declaration holds the type, the default in the plain preset, the
accepted values, the help text, the group, and what other code has to know about it. The command line, TOML files, model
files, the documentation and the parameter checks of the estimators read ``SETTINGS``, the list of all declarations.
Other presets change some of the defaults (see ``presets``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from backpass.dataclass import dataclass
from backpass.first_use import NamesOf
from backpass.model.settings.constraint import (
    Choice,
    ClassName,
    ColumnName,
    Function,
    Number,
    NumberOrName,
    PowerOfTwo,
    Switch,
)
from backpass.model.settings.presets import PRESETS
from backpass.model.settings.setting import Setting, data, decision, network, setting, training
from backpass.model.settings.tuple_constraints import Amounts, Factors, Several, Widths, Wires

if TYPE_CHECKING:
    from backpass.network import Activation

THRESHOLD_RULES = ("f1", "balanced", "cost")
"""What a threshold chosen on held-out rows optimizes: F1, balanced accuracy or cost."""

_POSITIVE = Number(0, open_low=True)
_SHARE = Number(0, 1, open_high=True)
_COUNT = Number(1, 1_000_000_000, whole=True)
_ACTIVATIONS = NamesOf("backpass.network", "ACTIVATIONS")
_SCHEDULES = NamesOf("backpass.training", "SCHEDULES")


@dataclass(frozen=True, slots=True)
class SettingValues:
    """A value for each setting. Each field is a setting, with its declaration as the field's metadata."""

    preset: str = setting(
        None,
        Choice(tuple(PRESETS)),
        "named set of defaults [default, or plain if an option describes the network]",
        "preset",
        since=2,
    )
    task: str | None = data(
        None, Choice(("regression", "classification")), "task [detected from the target]", of_groups=True
    )
    validation_fraction: float = data(
        None,
        _SHARE,
        "share of the rows used for validation [0; 0.16 if patience, metric, calibration or a threshold needs "
        "validation rows]",
        follows_preset=True,
        notes=(0.0,),
    )
    test_fraction: float = data(0.2, _SHARE, "share of the rows used for the test score", of_groups=True)
    group: str | None = data(
        None,
        ColumnName(),
        "column of groups (patients, customers, machines); a group is never split [rows are split one by one]",
        since=3,
        is_optional=True,
    )
    time: str | None = data(
        None,
        ColumnName(),
        "column of dates or numbers; the latest rows are test rows, those before them validation rows [random splits]",
        since=3,
        is_optional=True,
    )
    refit: bool = data(
        False,
        Switch(),
        "train again on all rows, test rows included, before the model is written; scores are from before the refit",
        since=3,
        is_optional=True,
    )
    hidden: tuple[int, ...] = network(
        None,
        Widths(),
        "widths of the hidden layers, such as 64,64, or none [256,256]",
        follows_preset=True,
        describes_network=True,
        of_groups=True,
    )
    activation: Activation = network(
        "relu",
        Function(_ACTIVATIONS),
        "activation of the hidden layers",
        follows_preset=True,
        describes_network=True,
        notes=("relu", "sigmoid", "tanh", "identity"),
        of_groups=True,
    )
    output_activation: Activation = network(
        "identity",
        Function(_ACTIVATIONS),
        "activation of the output layer",
        describes_network=True,
        notes=("identity", "relu", "sigmoid", "tanh"),
    )
    wire: tuple[tuple[str, tuple[str, ...]], ...] = network(
        (), Wires(), "a hidden unit and the columns it reads: name=column,column", repeated=True, describes_network=True
    )
    dropout: float = network(0.0, _SHARE, "dropout rate of the hidden layers", follows_preset=True, notes=(0.0,))
    initialization: str = network(
        "he",
        Choice(NamesOf("backpass.network", "INITIALIZATIONS", "data")),
        "initialization of the weights",
        follows_preset=True,
        describes_network=True,
        notes=NamesOf("backpass.network", "INITIALIZATIONS"),
        of_groups=True,
    )
    categorical_encoding: str = network(
        "one_hot",
        Choice(("one_hot", "scaled")),
        "categorical columns as 0 and 1, or scaled like numbers",
        follows_preset=True,
        since=2,
        notes=("one_hot",),
    )
    max_one_hot_levels: int | None = network(
        None,
        _COUNT,
        "categorical columns with more categories get an embedding [no embedding]",
        follows_preset=True,
        since=2,
        notes=(None,),
    )
    embedding_dim: int = network(
        8, Number(1, 10_000, whole=True), "dimension of the embeddings", follows_preset=True, since=2
    )
    principal_components: int | None = network(
        None,
        Number(1, 10_000, whole=True),
        "number of principal components that replace the inputs of the network [none]",
        follows_preset=True,
        since=3,
        notes=(None,),
        is_optional=True,
    )
    quantile_features: bool = network(
        False,
        Switch(),
        "add the quantile rank of each number as an input",
        follows_preset=True,
        since=2,
        notes=(False,),
    )
    numerical_scaling: str = network(
        "standard",
        Choice(NamesOf("backpass.network", "SCALINGS")),
        "scaling of numeric columns; standard: mean and standard deviation; robust: quartiles, and a smooth clip",
        follows_preset=True,
        since=3,
        older="robust",
        notes=("none",),
        of_groups=True,
    )
    numerical_embedding: str = network(
        "none",
        Choice(("none", "periodic")),
        "embedding of each numeric column",
        follows_preset=True,
        since=2,
        notes=("none",),
    )
    frequency_scale: tuple[float, ...] = network(
        (0.1,),
        Several(_POSITIVE),
        "standard deviation of the initial frequencies of periodic embeddings; several: one per network, in turn [0.1]",
        follows_preset=True,
        since=2,
    )
    learned_input_scale: bool = network(
        False, Switch(), "learn a scale factor for each input", follows_preset=True, since=2, notes=(False,)
    )
    parametrization: str = network(
        "standard",
        Choice(("standard", "ntk")),
        "parametrization of the layers; ntk: weights of order 1 at any width",
        follows_preset=True,
        since=2,
        notes=("standard",),
    )
    parametric_activation: bool = network(
        False,
        Switch(),
        "learn the strength of each unit's nonlinearity",
        follows_preset=True,
        since=2,
        notes=(False,),
    )
    calibration: str = training(
        "none",
        Choice(("none", "temperature")),
        "calibration of the probabilities on the validation rows",
        follows_preset=True,
        since=2,
        notes=("none",),
    )
    clip_predictions: str = network(
        "none",
        Choice(("none", "training")),
        "clip predicted numbers to the range of the training targets",
        follows_preset=True,
        since=2,
        notes=("none",),
        of_groups=True,
    )
    target_transform: str = network(
        "none",
        Choice(("none", "log")),
        "what is learned of a number: the number itself, or its logarithm, which suits skewed prices and amounts",
        since=3,
        notes=("none",),
        is_optional=True,
    )
    metric: str | None = training(
        None,
        Choice(NamesOf("backpass.model.metrics", "CHOOSING")),
        "metric that selects the best epoch [that of the loss]",
        since=2,
    )
    loss: str | None = training(
        None,
        Choice(NamesOf("backpass.model.metrics", "MAIN_METRICS")),
        "loss function [squared, or cross_entropy for classes]",
        notes=(None, "squared", "cross_entropy"),
        of_groups=True,
    )
    quantile: float = training(
        0.5, Number(0, 1, open_low=True, open_high=True), "q of the quantile loss", of_groups=True
    )
    huber_delta: float = training(
        1.0, _POSITIVE, "where the Huber loss becomes linear, in standard deviations of the target", of_groups=True
    )
    label_smoothing: float = training(
        0.0, _SHARE, "probability spread evenly over all classes", follows_preset=True, notes=(0.0,), of_groups=True
    )
    optimizer: str = training(
        "adamw",
        Choice(NamesOf("backpass.training", "OPTIMIZERS")),
        "optimizer",
        follows_preset=True,
        describes_network=True,
        notes=("sgd",),
        of_groups=True,
    )
    learning_rate: float = training(
        None,
        _POSITIVE,
        "learning rate alpha [0.01; 0.1 for sgd, 0.02 with momentum]",
        follows_preset=True,
        describes_network=True,
        of_groups=True,
    )
    schedule: str = training(
        "cosine",
        Choice(_SCHEDULES),
        "schedule of the learning rate",
        follows_preset=True,
        describes_network=True,
        notes=("constant",),
        of_groups=True,
    )
    momentum: float = training(
        0.9, _SHARE, "momentum coefficient of momentum and nesterov", follows_preset=True, of_groups=True
    )
    beta1: float = training(0.9, _SHARE, "decay rate of Adam's first moment", follows_preset=True, of_groups=True)
    beta2: float = training(0.999, _SHARE, "decay rate of Adam's second moment", follows_preset=True, of_groups=True)
    weight_decay: float = training(
        0.0, Number(0), "weight decay (decoupled L2)", follows_preset=True, notes=(0.0,), of_groups=True
    )
    learning_rate_multiplier: tuple[tuple[str, float], ...] = training(
        (),
        Factors(NamesOf("backpass.network", "GROUPS")),
        "multiplier of the learning rate for a parameter group: bias=0.1",
        repeated=True,
        follows_preset=True,
        since=2,
        notes=((),),
        of_groups=True,
    )
    dropout_schedule: str = training(
        "constant", Choice(_SCHEDULES), "schedule of the dropout rate", follows_preset=True, since=2
    )
    weight_decay_schedule: str = training(
        "constant", Choice(_SCHEDULES), "schedule of the weight decay", follows_preset=True, since=2, of_groups=True
    )
    max_grad_norm: float | None = training(None, _POSITIVE, "maximum global gradient norm [no limit]", notes=(None,))
    batch_size: int | None = training(
        None,
        _COUNT,
        "rows per step, B [32 to 1024, depending on the number of rows]",
        follows_preset=True,
        of_groups=True,
    )
    epochs: int = training(100, _COUNT, "passes over the training rows", follows_preset=True, of_groups=True)
    max_steps: int | None = training(
        None, _COUNT, "maximum number of steps, n_iter of the notes [no limit]", describes_network=True
    )
    sampling: str = training(
        "epoch",
        Choice(NamesOf("backpass.training", "SAMPLINGS")),
        "sampling scheme of the rows of a step",
        follows_preset=True,
        describes_network=True,
        notes=("uniform", "minibatch", "full"),
    )
    patience: int | None = training(
        None,
        _COUNT,
        "stop after this many epochs without improvement [never]",
        follows_preset=True,
        notes=(None,),
    )
    max_seconds: float | None = training(None, _POSITIVE, "stop after this many seconds [never]", is_stored=False)
    ensemble_size: int = training(
        1,
        Number(1, 1_000, whole=True),
        "number of networks that are trained and averaged",
        follows_preset=True,
        since=2,
        notes=(1,),
    )
    candidates: int = training(
        1,
        Number(1, 1_000, whole=True),
        "number of configurations to try; the best few are averaged, with weights fitted on held-out rows",
        follows_preset=True,
        since=3,
        notes=(1,),
        is_optional=True,
    )
    neighbors: int = training(
        0,
        Number(0, 65_536, whole=True),
        "maximum number of training rows that a network stores as neighbors, used if they clearly help",
        since=3,
        notes=(0,),
        is_optional=True,
    )
    ensemble_split: str = training(
        "folds",
        Choice(("folds", "split")),
        "validation rows of the networks of an ensemble: one fold each, or the same split for all",
        follows_preset=True,
        since=2,
    )
    teacher_weight: float = training(
        0.25,
        Number(0, 1),
        "weight of the teacher's predictions in the loss, if there is a teacher",
        since=3,
        is_optional=True,
    )
    shards: int = training(
        1,
        PowerOfTwo(1024),
        "number of shards of each batch; their gradients are summed, and several processes divide the shards",
        since=3,
        notes=(1,),
        is_optional=True,
    )
    seed: int = training(0, Number(0, 2**64 - 1, whole=True), "seed of all random choices", of_groups=True)
    positive: str | float | None = decision(
        None, ClassName(), "positive class of a two-class target [the rarer one]", of_groups=True
    )
    threshold: float | str | None = decision(
        None,
        NumberOrName(Number(0, 1, open_low=True, open_high=True), THRESHOLD_RULES),
        "minimum probability to predict the positive class; f1, balanced, cost: chosen on validation rows [0.5]",
    )
    cost: tuple[tuple[str, float], ...] | None = decision(
        None,
        Amounts(("false_positive", "false_negative")),
        "cost of each kind of error, which the threshold minimizes: false_positive=50,false_negative=500 [none]",
    )
    class_weight: str | tuple[tuple[Any, float], ...] | None = decision(
        None,
        Amounts((), ("balanced",)),
        "weight of each class in the loss, balanced or a=1,b=5; probabilities are corrected for it [1 for every class]",
    )
    precision: str = setting(
        "float32",
        Choice(("float32", "bf16", "float64")),
        "number format of training; bf16 rounds the operands of large matrix products",
        "engine",
        notes=("float32", "float64"),
        of_groups=("float32", "float64"),
    )
    engine: str = setting(
        "auto",
        Choice(NamesOf("backpass.engine", "ENGINE_NAMES")),
        "engine that runs the circuits; auto is the fastest one on a CPU; jax runs on the given device",
        "engine",
        is_stored=False,
        of_groups=("auto", "native", "numpy"),
    )
    device: str | None = setting(
        None,
        Choice(NamesOf("backpass.engine.jax.device", "DEVICES")),
        "device for the jax engine, which requires it [none]",
        "engine",
        is_stored=False,
    )
    threads: int | None = setting(
        None,
        Number(1, 1023, whole=True),
        "threads of the native engine [all available cores]",
        "engine",
        is_stored=False,
        of_groups=True,
    )


SETTINGS: tuple[Setting, ...] = tuple(Setting(each.name, **each.metadata) for each in fields(SettingValues))
"""Every setting, in the order of the help."""

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}
