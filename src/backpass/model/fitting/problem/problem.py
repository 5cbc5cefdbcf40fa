"""A problem: what is known before the first step of training, and the training run itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from hashlib import sha256
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass._version import __version__
from backpass.circuit import Spec
from backpass.dataclass import dataclass
from backpass.engine import Engine, Step, engine_named, host_engine
from backpass.model.fitting.larger.stored import Stored
from backpass.model.fitting.outcome.temperature import shifted
from backpass.model.fitting.problem.data_split import DataSplit, Rows
from backpass.model.fitting.problem.start import first_theta
from backpass.model.fitting.teaching.objective import NetworkObjective, taught_data, teaching_loss
from backpass.model.fitting.teaching.teacher import Teacher
from backpass.model.fitting.transfer.kept_features import KeptFeatures
from backpass.model.head.class_weights import log_weights
from backpass.model.head.head import Head
from backpass.model.metrics import as_loss
from backpass.model.prediction.forward import input_names, outputs_of
from backpass.model.profile import Profile
from backpass.model.settings.precision import dtype_of
from backpass.model.settings.settings import Settings
from backpass.model.split.horizon import Horizon
from backpass.model.split.splits import RowSplit
from backpass.model.split.units import Units
from backpass.model.training_rows import TrainingRows
from backpass.model.unknown import with_shrunk_unknowns
from backpass.network import FIXED, FeatureMap, Network
from backpass.once import Once
from backpass.table import Schema
from backpass.table.table import RequiredKind
from backpass.training import (
    Callback,
    Optimizer,
    OptimizerOptions,
    Progress,
    StopRequest,
    TrainingResult,
    TrainingRun,
    TrainingSettings,
    optimizer_named,
    training_step,
)
from backpass.training.processes.exchange import SOLO, Exchange
from backpass.training.processes.sharded import Sharding

_BATCH_SIZES = ((1_024, 32), (8_192, 128), (30_000, 256), (100_000, 512))
"""(maximum number of training rows, batch size): small tables need more steps, large tables larger batches."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The rows that a problem was made of, kept where the same fit is done on other rows of them.

    Attributes:
        rows: The rows of each split.
        remake: Rows of each split -> the problem with the same settings and columns.
    """

    rows: Mapping[str, Rows]
    remake: Callable[[Mapping[str, Rows]], Problem]


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """The settings of the optimizer, without arrays: with equal ones, equal networks share a step.

    Attributes:
        name: The name of the optimizer.
        options: Its options.
        multipliers: The learning rate multipliers, by parameter group.
    """

    name: str
    options: OptimizerOptions
    multipliers: tuple[tuple[str, float], ...]

    def optimizer(self, network: Network) -> Optimizer:
        """The optimizer of the parameters of a network."""
        layout, rates = network.layout, dict(self.multipliers)
        # The decay of a group is proportional to the square of its multiplier, as in the code of RealMLP; the paper
        # has the multiplier itself.
        fixed = {FIXED: 0.0} if network.fixed_count else {}
        decay = layout.per_group({**rates, "bias": 0.0, **fixed})
        factors = layout.per_group({**rates, **fixed}) if rates or fixed else None
        return optimizer_named(self.name, self.options, decay_mask=decay, factors=factors)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Everything that is known before the first step.

    Attributes:
        settings: The settings.
        schema: The columns.
        head: The meaning of the outputs.
        feature_map: Maps encoded columns to network inputs.
        network: The network.
        parts: The splits: "train", and "validation" and "test" if they have rows.
        notes: Notes about the table and the preparation.
        columns: The profiles of the training rows.
        of_source: Those notes that a model does not keep, see ``Table``.
        folds: The split of the training and validation rows for each member of an ensemble; empty without folds.
        class_weights: The weight of each class in the loss (classes,); None if all are 1.
        weight: The name of the column of row weights; "" if there is none.
        warnings: What makes scores too good, such as test rows that are training rows.
        units: Which rows of each split belong together, as far as that is known.
        split_columns: The group and the time column, with their required kinds.
        training_rows: The summary of the training and validation rows.
        source: The rows that it was made of, with a group or a time column, or for a refit; else None.
        fixed: The parameters that are fitted before training and not trained, by name.
        last_epoch: The epoch after which training ends; the schedules are those of all epochs. None: the last one.
        teacher: The columns of another model's predictions; None without a teacher.
        runner: The engine that it shares with others that train at the same time; None: one of its own.
        made_up: Synthetic rows that train in addition to those of "train", see ``distillation``; None without any.
        stored: Training rows on disk, in addition to those of "train"; None without any.
        kept: The features of an earlier model, below the only layer that is trained; None: all layers are trained.
    """

    settings: Settings
    schema: Schema
    head: Head
    feature_map: FeatureMap
    network: Network
    parts: Mapping[str, DataSplit]
    notes: tuple[str, ...]
    columns: Mapping[str, Profile] = field(default_factory=dict)
    of_source: tuple[str, ...] = ()
    folds: tuple[RowSplit, ...] = ()
    class_weights: NDArray[np.float64] | None = None
    weight: str = ""
    warnings: tuple[str, ...] = ()
    units: Mapping[str, Units] = field(default_factory=dict)
    split_columns: Mapping[str, RequiredKind] = field(default_factory=dict)
    training_rows: TrainingRows | None = None
    source: Source | None = None
    fixed: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    last_epoch: int | None = None
    teacher: Teacher | None = None
    runner: Engine | None = None
    made_up: DataSplit | None = None
    stored: Stored | None = None
    kept: KeptFeatures | None = None

    @property
    def trained_network(self) -> Network:
        """The network whose parameters are trained: all layers, or the output layer on kept features."""
        if self.kept is None:
            return self.network
        return self.kept.output_network(self.head.outputs, self.settings.output_activation)

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows of each split, those that are not in memory included."""
        more = 0 if self.stored is None else self.stored.count
        return {name: part.rows + (more if name == "train" else 0) for name, part in self.parts.items()}

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_of(self.settings.precision)

    @property
    def engine(self) -> Engine:
        """The engine of circuits that run once or seldom, before and after training."""
        return engine_named(host_engine(self.settings.engine), self.settings.threads)

    @property
    def trainer(self) -> Engine:
        """The engine that trains and validates."""
        s = self.settings
        if self.runner is not None:
            return self.runner
        return engine_named(s.engine, s.threads, bf16=s.precision == "bf16", device=s.device)

    @property
    def input_names(self) -> list[str]:
        """The name of each network input."""
        return input_names(self.schema, self.feature_map)

    @property
    def horizon(self) -> Horizon | None:
        """The latest time that the model will know; None without a time column, or if it is not finite."""
        if self.settings.time is None or self.source is None:
            return None
        tables = {name: rows.table for name, rows in self.source.rows.items()}
        known = [table for name, table in tables.items() if name != "test"]
        horizon = Horizon.of(known, [tables[name] for name in ("test",) if name in tables], self.settings.time)
        return horizon if isfinite(horizon.last) and isfinite(horizon.ahead) else None

    @property
    def objective(self) -> NetworkObjective:
        """J(theta); that of all members of an ensemble."""
        train = self.parts["train"].pool
        pools = [train] if self.made_up is None else [train, self.made_up.pool]
        is_taught = any(pool.teacher is not None for pool in pools)
        of_teacher = teaching_loss(self.head) if is_taught else None
        is_weighted = train.weights is not None or self.class_weights is not None
        return NetworkObjective(self.network.without_scales, self.head.loss, of_teacher, is_weighted)

    def first_theta(self) -> NDArray[Any]:
        """The parameters before the first step."""
        return first_theta(self.network, self.head, self.parts["train"], self.settings, self.engine, self.fixed)

    def train(
        self,
        *,
        theta: NDArray[Any] | None = None,
        callbacks: Sequence[Callback] = (),
        progress: Progress | None = None,
        stop: StopRequest | None = None,
        exchange: Exchange = SOLO,
    ) -> TrainingResult:
        """Run the training loop.

        Args:
            theta: Initial parameters. Default None: those of ``first_theta``.
            callbacks: Observers of the run.
            progress: The progress in a checkpoint, to continue from.
            stop: Stops the run between two steps. Default None: Ctrl-C stops it.
            exchange: The processes that divide the shards of each batch. Default: one.
        """
        shards, objective = self.settings.shards, self.objective
        part = self.trained
        own = taught_data(part, self.head, self.class_weights, self.settings.teacher_weight, self.dtype)
        data, index = part.training_data(own)
        run = TrainingRun(
            objective=objective,
            theta=self.first_theta() if theta is None else theta,
            data=data,
            index=index,
            feed=None if self.stored is None else self.stored.feed(part, self.class_weights),
            optimizer=self.optimizer(),
            settings=self._training_settings(),
            engine=self.trainer,
            make_step=self.step,
            validate=partial(self.validation_score, exchange=exchange) if "validation" in self.parts else None,
            callbacks=callbacks,
            stop=stop,
            sharding=Sharding(shards, objective.summed, exchange) if shards > 1 else None,
        )
        return run.run(progress)

    @property
    def trained(self) -> DataSplit:
        """The rows that the training loop reads: the training rows, and those that are made up."""
        train = self.parts["train"]
        return train if self.made_up is None else DataSplit.joined([train, self.made_up])

    def validation_score(self, theta: NDArray[Any], exchange: Exchange = SOLO) -> float:
        """The head's metric on the validation rows, negated if higher is better.

        Args:
            theta: The parameters that are trained.
            exchange: The processes that divide the rows; each gets the score.
        """
        part, metric = self.parts["validation"], self.head.metric
        first, last = (part.rows * rank // exchange.size for rank in (exchange.rank, exchange.rank + 1))
        own = outputs_of(self.network, self.predicting(theta), part.between(first, last).inputs, self.trainer)
        o = np.concatenate(exchange.share(own)) if exchange.size > 1 else own
        return as_loss(metric, self.head.scores(o, part.truth, part.weights, [metric])[metric])

    @property
    def can_unweight(self) -> bool:
        """Whether class weights can be undone: the outputs are the logits of the built-in loss."""
        return self.settings.output_activation == "identity" and self.head.custom_loss is None

    def predicting(self, theta: NDArray[Any]) -> NDArray[Any]:
        """theta of the network that predicts, from the theta that is trained.

        Its probabilities are those of the data, although class weights trained it; and in columns of many categories an
        unknown one is close to an average one, see ``unknown``. Kept features stay as they are.
        """
        profiles = [self.columns[text.name] for text in self.schema.texts if text.name in self.columns]
        if self.kept is not None:
            theta = self.kept.joined(theta)
        elif len(profiles) == len(self.schema.texts):
            theta = with_shrunk_unknowns(self.network, theta, self.feature_map, profiles)
        if self.class_weights is None or not self.can_unweight:
            return theta
        return shifted(self.network, theta, -log_weights(self.class_weights))

    def optimizer(self) -> Optimizer:
        """The optimizer with the options in the settings."""
        return self._optimizer_settings.optimizer(self.network)

    @property
    def _optimizer_settings(self) -> OptimizerSettings:
        s = self.settings
        options = OptimizerOptions(
            s.momentum, s.beta1, s.beta2, weight_decay=s.weight_decay, max_grad_norm=s.max_grad_norm
        )
        return OptimizerSettings(s.optimizer, options, tuple(s.learning_rate_multiplier))

    def step(self, theta: NDArray[Any], batch: Sequence[Spec], columns: Sequence[str] = ()) -> Step:
        """One training step, see ``training_step``: traced once for all members of an ensemble, and for later fits."""
        if self.head.custom_loss is not None:  # a function, which may compute something else next time
            return training_step(self.objective, self.optimizer(), theta, batch, columns)
        return _step_of(self.objective, self._optimizer_settings, theta.size, theta.dtype, tuple(batch), tuple(columns))

    def _training_settings(self) -> TrainingSettings:
        s = self.settings
        return TrainingSettings(
            learning_rate=s.learning_rate,
            schedule=s.schedule,
            batch_size=batch_size_for(s, self.parts["train"].rows + (0 if self.made_up is None else self.made_up.rows)),
            epochs=s.epochs,
            max_steps=s.max_steps,
            sampling=s.sampling,
            seed=s.seed,
            patience=s.patience,
            last_epoch=self.last_epoch,
            max_seconds=s.max_seconds,
            schedules={name: schedule for name, schedule in self._schedules().items() if schedule != "constant"},
        )

    def _schedules(self) -> dict[str, str]:
        """The schedules of the hyperparameters other than the learning rate."""
        s = self.settings
        dropout = {"dropout": s.dropout_schedule} if s.dropout else {}
        return {**dropout, "weight_decay": s.weight_decay_schedule}

    def identity(self) -> dict[str, Any]:
        """What a checkpoint must match: version, settings, network, and a digest of the rows.

        It also records whether the user set the learning rate: if so, a run that diverges is not retried with a lower
        one.
        """
        digest = sha256()
        parts = self.parts if self.made_up is None else {**self.parts, "made up": self.made_up}
        for name in sorted(parts):
            part = parts[name]
            for array in (part.x, part.y, *(each for each in (part.weights, part.teacher) if each is not None)):
                digest.update(f"{name} {array.shape} {array.dtype.str}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return {
            **self.settings.to_json(),
            "learning_rate_asked_for": "learning_rate" in dict(self.settings.given),
            "backpass": __version__,
            "network": self.trained_network.to_json(),
            **({} if self.kept is None else {"features_of": self.kept.facts["sha256"]}),
            "rows": digest.hexdigest() if self.stored is None else f"{digest.hexdigest()} {self.stored.digest}",
        }


@Once
def _step_of(
    objective: NetworkObjective,
    settings: OptimizerSettings,
    parameters: int,
    dtype: np.dtype[Any],
    batch: Sequence[Spec],
    columns: Sequence[str],
) -> Step:
    optimizer = settings.optimizer(objective.network)
    return training_step(objective, optimizer, np.empty(parameters, dtype), batch, columns)


def batch_size_for(settings: Settings, rows: int) -> int:
    """The batch size in the settings, or else the one that suits the number of training rows."""
    if settings.batch_size is not None:
        return settings.batch_size
    return min(next((size for most, size in _BATCH_SIZES if rows <= most), 1_024), rows)
