"""The options of ``fit`` and ``fit_groups``: the settings as keyword arguments, for editors and type checkers.

Written by ``tools/write_signatures.py``. Types, meanings, ranges and defaults are declared in ``declarations``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from backpass.circuit import Array


class DenseOptions(TypedDict, total=False):
    """The settings that apply to a model per group too: those of one dense network without validation rows."""

    task: Literal["regression", "classification"] | None
    test_fraction: float
    hidden: int | Sequence[int] | Literal["none"] | None
    activation: (
        Literal["relu", "sigmoid", "tanh", "identity", "softplus", "gelu", "selu", "mish", "leaky_relu"]
        | Callable[[Array], Array]
    )
    initialization: Literal["he", "glorot", "uniform", "normal", "data"]
    numerical_scaling: Literal["none", "standard", "robust"]
    clip_predictions: Literal["none", "training"]
    loss: Literal["squared", "absolute", "huber", "quantile", "poisson", "cross_entropy"] | None
    quantile: float
    huber_delta: float
    label_smoothing: float
    optimizer: Literal["sgd", "momentum", "nesterov", "adam", "adamw"]
    learning_rate: float | None
    schedule: Literal["constant", "cosine", "linear", "warmup_cosine", "coslog4", "flat_cosine"]
    momentum: float
    beta1: float
    beta2: float
    weight_decay: float
    learning_rate_multiplier: Sequence[tuple[str, float]]
    weight_decay_schedule: Literal["constant", "cosine", "linear", "warmup_cosine", "coslog4", "flat_cosine"]
    batch_size: int | None
    epochs: int
    seed: int
    positive: str | float | None
    threads: int | None


class GroupOptions(DenseOptions, total=False):
    """Keyword arguments of ``fit_groups``. Omitted ones take the defaults of ``grouped.options``."""

    precision: Literal["float32", "float64"]
    engine: Literal["auto", "native", "numpy"]


class SettingsOptions(DenseOptions, total=False):
    """Keyword arguments of ``fit``: any of the settings. Omitted ones take the preset's value."""

    preset: Literal["plain", "notes", "fast", "default", "best", "realmlp"] | None
    validation_fraction: float | None
    group: str | None
    time: str | None
    refit: bool
    output_activation: (
        Literal["relu", "sigmoid", "tanh", "identity", "softplus", "gelu", "selu", "mish", "leaky_relu"]
        | Callable[[Array], Array]
    )
    wire: Sequence[tuple[str, Sequence[str]]]
    dropout: float
    categorical_encoding: Literal["one_hot", "scaled"]
    max_one_hot_levels: int | None
    embedding_dim: int
    principal_components: int | None
    quantile_features: bool
    numerical_embedding: Literal["none", "periodic"]
    frequency_scale: float | Sequence[float]
    learned_input_scale: bool
    parametrization: Literal["standard", "ntk"]
    parametric_activation: bool
    calibration: Literal["none", "temperature"]
    target_transform: Literal["none", "log"]
    metric: (
        Literal[
            "rmse",
            "mae",
            "r2",
            "median_absolute_error",
            "mape",
            "pinball",
            "poisson_deviance",
            "log_loss",
            "accuracy",
            "roc_auc",
            "average_precision",
            "f1",
            "precision",
            "recall",
            "balanced_accuracy",
            "mcc",
            "brier",
            "calibration_error",
            "error",
        ]
        | None
    )
    dropout_schedule: Literal["constant", "cosine", "linear", "warmup_cosine", "coslog4", "flat_cosine"]
    max_grad_norm: float | None
    max_steps: int | None
    sampling: Literal["epoch", "epoch_drop_last", "uniform", "minibatch", "full"]
    patience: int | None
    max_seconds: float | None
    ensemble_size: int
    candidates: int
    neighbors: int
    ensemble_split: Literal["folds", "split"]
    teacher_weight: float
    shards: int
    threshold: float | Literal["f1", "balanced", "cost"] | None
    cost: Mapping[str, float] | Sequence[tuple[str, float]] | None
    class_weight: Literal["balanced"] | Mapping[Any, float] | Sequence[tuple[Any, float]] | None
    precision: Literal["float32", "bf16", "float64"]
    engine: Literal["auto", "numpy", "native", "jax"]
    device: Literal["cpu", "cuda", "tpu"] | None
