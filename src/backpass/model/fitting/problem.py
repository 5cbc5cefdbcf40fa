"""A problem: a table prepared for training, and the training run itself.

It takes a Table and Settings. Its decisions (columns, scales, network) depend on training rows only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass._version import __version__
from backpass.circuit import Array
from backpass.engine import Engine, engine_named
from backpass.errors import DataError, UsageError
from backpass.model.fitting.building import build_network
from backpass.model.fitting.data_split import DataSplit, Rows
from backpass.model.fitting.division import divide, possible_inputs
from backpass.model.fitting.start import first_theta
from backpass.model.fitting.temperature import shifted
from backpass.model.forward import input_names, inputs_of, outputs_of
from backpass.model.head.class_weights import class_weights, imbalance_notes, log_weights, weighted_decision
from backpass.model.head.head import Head
from backpass.model.metrics import FEWEST_ROWS, as_loss
from backpass.model.profile import Profile, profiles_of
from backpass.model.settings.precision import dtype_of
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import RowSplit, split_folds
from backpass.model.split.units import Units
from backpass.network import FeatureMap, Network, RandomKey, mean_loss, weighted_loss
from backpass.table import Schema, Table, Target, required_kind
from backpass.table.labeled import Labeled
from backpass.table.leakage import worst_leaks
from backpass.table.memory import require_memory
from backpass.table.messages import shown
from backpass.table.spellings import likeness
from backpass.table.table import Demand
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
)

_BATCH_SIZES = ((1_024, 32), (8_192, 128), (30_000, 256), (100_000, 512))
"""(maximum number of training rows, batch size): small tables need more steps, large tables larger batches."""


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
    split_columns: Mapping[str, Demand] = field(default_factory=dict)

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_of(self.settings.precision)

    @property
    def engine(self) -> Engine:
        return engine_named(self.settings.engine, self.settings.threads, bf16=self.settings.precision == "bf16")

    @property
    def input_names(self) -> list[str]:
        """The name of each network input."""
        return input_names(self.schema, self.feature_map)

    def objective(self, theta: Array, batch: tuple[Array, ...], draws: RandomKey) -> Array:
        """J(theta) of a batch (x, y, weights)."""
        x, y, weights = batch
        J = mean_loss if self.parts["train"].weights is None and self.class_weights is None else weighted_loss
        return J(self.head.loss, self.network(theta, x, draws), y, weights)

    def first_theta(self) -> NDArray[Any]:
        """The parameters before the first step."""
        return first_theta(self.network, self.head, self.parts["train"], self.settings, self.engine)

    def train(
        self,
        *,
        theta: NDArray[Any] | None = None,
        callbacks: Sequence[Callback] = (),
        progress: Progress | None = None,
        stop: StopRequest | None = None,
    ) -> TrainingResult:
        """Run the training loop.

        Args:
            theta: Initial parameters. Default None: those of ``first_theta``.
            callbacks: Observers of the run.
            progress: The progress in a checkpoint, to continue from.
            stop: Stops the run between two steps. Default None: Ctrl-C stops it.
        """
        part = self.parts["train"]
        run = TrainingRun(
            objective=self.objective,
            theta=self.first_theta() if theta is None else theta,
            data=(part.x, part.y, part.training_weights(self.class_weights).astype(self.dtype)),
            optimizer=self.optimizer(),
            settings=self._training_settings(),
            engine=self.engine,
            validate=self.validation_score if "validation" in self.parts else None,
            callbacks=callbacks,
            stop=stop,
        )
        return run.run(progress)

    def validation_score(self, theta: NDArray[Any]) -> float:
        """The head's metric on the validation rows, negated if higher is better."""
        part, metric = self.parts["validation"], self.head.metric
        o = outputs_of(self.network, self.unweighted(theta), part.x, self.engine)
        return as_loss(metric, self.head.scores(o, part.truth, part.weights, [metric])[metric])

    @property
    def can_unweight(self) -> bool:
        """Whether class weights can be undone: the outputs are the logits of the built-in loss."""
        return self.settings.output_activation == "identity" and self.head.own is None

    def unweighted(self, theta: NDArray[Any]) -> NDArray[Any]:
        """theta of a network whose probabilities are those of the data, although class weights trained it."""
        if self.class_weights is None or not self.can_unweight:
            return theta
        return shifted(self.network, theta, -log_weights(self.class_weights))

    def optimizer(self) -> Optimizer:
        """The optimizer with the options in the settings."""
        s = self.settings
        options = OptimizerOptions(
            s.momentum, s.beta1, s.beta2, weight_decay=s.weight_decay, max_grad_norm=s.max_grad_norm
        )
        layout, rates = self.network.layout, dict(s.learning_rate_multiplier)
        # The decay of a group is proportional to the square of its multiplier, as in the code of RealMLP; the paper
        # has the multiplier itself.
        decay = layout.per_group({**rates, "bias": 0.0})
        factors = layout.per_group(rates) if rates else None
        return optimizer_named(s.optimizer, options, decay_mask=decay, factors=factors)

    def _training_settings(self) -> TrainingSettings:
        s = self.settings
        return TrainingSettings(
            learning_rate=s.learning_rate,
            schedule=s.schedule,
            batch_size=batch_size_for(s, self.parts["train"].rows),
            epochs=s.epochs,
            max_steps=s.max_steps,
            sampling=s.sampling,
            seed=s.seed,
            patience=s.patience,
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
        for name in sorted(self.parts):
            part = self.parts[name]
            for array in (part.x, part.y, *([] if part.weights is None else [part.weights])):
                digest.update(f"{name} {array.shape} {array.dtype.str}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return {
            **self.settings.to_json(),
            "learning_rate_asked_for": "learning_rate" in dict(self.settings.given),
            "backpass": __version__,
            "network": self.network.to_json(),
            "rows": digest.hexdigest(),
        }


def batch_size_for(settings: Settings, rows: int) -> int:
    """The batch size in the settings, or else the one that suits the number of training rows."""
    if settings.batch_size is not None:
        return settings.batch_size
    return min(next((size for most, size in _BATCH_SIZES if rows <= most), 1_024), rows)


def make_problem(
    table: Table,
    target_name: str,
    settings: Settings,
    *,
    validation: Table | None = None,
    test: Table | None = None,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    weight: str | None = None,
    strict: bool = False,
) -> Problem:
    """Split the rows, choose and scale the columns on the training rows, build the network.

    Args:
        table: The rows.
        target_name: The column to predict.
        settings: The settings.
        validation: Rows for validation, in place of a share of the table.
        test: Rows for the test score, in place of a share of the table.
        drop: Columns to leave out.
        columns: The only columns to learn from. Default None: all.
        weight: The column of row weights, which is no feature. Default None: all rows have weight 1.
        strict: Whether a row without a target is an error. Default False: it is left out, with a note.

    Raises:
        DataError: The tables lack something.
        UsageError: The settings do not fit the tables.
    """
    if weight is not None and weight in (target_name, *(columns or ())):
        raise UsageError(f"{weight!r} is the column of weights", hint="it can be neither the target nor a feature")
    labeled = Labeled.of(table, [target_name], weight, strict=strict)
    table = labeled.table
    target = Target.fit(table, target_name, settings.task)
    given = {"validation": validation, "test": test}
    others = {
        name: None if each is None else Labeled.of(each, [target_name], weight, strict=strict)
        for name, each in given.items()
    }
    left_out = drop if weight is None else (*drop, weight)
    inputs = possible_inputs(table, target_name, settings, left_out, columns)
    division = divide(labeled, target, settings, inputs, **others)
    rows = division.rows
    settings = settings.suited(target.task, rows["train"].table.rows)
    train = rows["train"]
    if target.task != "regression" and train.truth.max() == train.truth.min():
        raise DataError(
            f"{table.source}: all {train.table.rows} training rows have the same class of target {target_name!r}",
            hint="give more rows of the other classes, or another --seed or smaller --test-fraction",
        )
    hidden = [settings.group] if settings.group is not None and settings.group not in (columns or ()) else []
    schema = Schema.fit(train.table, target_name, drop=[*left_out, *hidden], columns=columns)
    head = Head.fit(target, train.truth, settings)
    of_classes = class_weights(target, settings, train.truth, train.weights)
    if of_classes is not None and head.decision is not None and settings.threshold is None and settings.cost is None:
        head = replace(head, decision=weighted_decision(head.decision, of_classes))
    notes = [*imbalance_notes(target, settings, train.truth), *division.notes]
    if table.rows < FEWEST_ROWS and settings.validation_fraction + settings.test_fraction > 0:
        only = "only 1 row: it trains" if table.rows == 1 else f"only {table.rows} rows: all of them train"
        notes.append(f"{only}, none is set aside unless a file gives them")
    used = [train.table.columns[feature.name] for feature in schema.features]
    notes += worst_leaks(used, target, train.truth)
    problem = assemble(settings, schema, head, rows, notes=notes, warnings=division.warnings)
    named = [name for name in (settings.group, settings.time) if name is not None]
    kinds = {name: required_kind(table.columns[name]) for name in named}
    return replace(problem, class_weights=of_classes, weight=weight or "", split_columns=kinds)


def assemble(
    settings: Settings,
    schema: Schema,
    head: Head,
    rows: Mapping[str, Rows],
    *,
    feature_map: FeatureMap | None = None,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Problem:
    """The problem of splits whose columns and targets are known: fit the scales, build the network, encode the rows.

    Args:
        settings: The settings.
        schema: The columns.
        head: The meaning of the outputs.
        rows: "train", and other splits that have rows.
        feature_map: The feature map. Default None: fitted on "train".
        notes: Notes about the table.
        warnings: What makes scores too good.

    Raises:
        DataError: The tables lack something, or the precision cannot represent a target.
    """
    encoded = schema.encode(rows["train"].table)
    if feature_map is None:
        feature_map = FeatureMap.fit(
            encoded.numbers,
            encoded.codes,
            [len(f.levels) for f in schema.texts],
            scaled_flags=settings.categorical_encoding == "scaled",
            max_one_hot_levels=settings.max_one_hot_levels,
            periods=schema.periods,
            leads=[number.leads for number in schema.numbers],
            ranks=settings.quantile_features,
            scaling=settings.numerical_scaling,
        )
    network = build_network(settings, schema, feature_map, head.outputs)
    problem = Problem(settings, schema, head, feature_map, network, {}, (), profiles_of(schema, encoded))
    _require_memory(problem, sum(each.table.rows for each in rows.values()))
    parts = {name: part_of(problem, each) for name, each in rows.items()}
    table = rows["train"].table
    if not np.isfinite(parts["train"].y).all():
        raise DataError(
            f"{table.source}: target {head.target.name!r} holds numbers too large for {settings.precision}",
            hint="give them in a larger unit, or use --precision float64",
        )
    said = (*table.notes, *head.target.notes, *schema.notes, *_spelling_notes(schema, head), *notes)
    said += tuple(_notes(settings, rows, network))
    pool = [name for name in ("train", "validation") if name in parts]
    units = {name: each.units for name, each in rows.items() if each.units is not None}
    folds = split_folds(
        np.concatenate([parts[name].truth for name in pool]),
        settings,
        by_class=head.target.task != "regression",
        units=Units.joined([units[name] for name in pool]) if {*pool} <= units.keys() else None,
    )
    return replace(
        problem,
        parts=parts,
        notes=said,
        of_source=table.of_source,
        folds=folds,
        warnings=tuple(warnings),
        units=units,
    )


def _require_memory(problem: Problem, rows: int) -> None:
    """Check that the inputs of every row, and theta with gradient, two moments and the best theta, fit in memory."""
    network, bytes_each = problem.network, problem.dtype.itemsize
    inputs = rows * (8 * len(problem.schema.numbers) + 4 * len(problem.schema.texts) + bytes_each * network.inputs)
    thetas = 5 * bytes_each * network.parameter_count
    what = f"a network of {network.inputs:,} inputs and {network.parameter_count:,} parameters, on {rows:,} rows,"
    hint = "fewer columns (--drop), smaller --hidden, or embeddings of texts (--max-one-hot-levels 20)"
    require_memory(inputs + thetas, what, hint)


def part_of(problem: Problem, rows: Rows) -> DataSplit:
    """Rows as the arrays that a problem's network and loss take."""
    encoded = problem.schema.encode(rows.table)
    x = inputs_of(problem.feature_map, encoded.numbers, encoded.codes, problem.dtype, problem.engine)
    return DataSplit(x, problem.head.encode(rows.truth, problem.dtype), rows.truth, rows.weights)


def _spelling_notes(schema: Schema, head: Head) -> list[str]:
    """Notes on categories and classes that are hardly different ones."""
    columns = {text.name: text.levels for text in schema.texts}
    columns |= {each.target.name: each.target.classes for each in head.targets}
    found = {name: likeness(name, texts) for name, texts in columns.items()}
    return [f"column {shown(name)}: {text}" for name, text in found.items() if text]


def _notes(settings: Settings, rows: Mapping[str, Rows], network: Network) -> list[str]:
    notes = []
    count = rows["train"].table.rows
    if "validation" not in rows:
        notes.append("no validation rows: the last epoch is kept, not the best")
    if settings.sampling != "full" and settings.batch_size is not None and settings.batch_size > count:
        notes.append(f"batch_size {settings.batch_size} is more than the {count} training rows: {count} are taken")
    if len(network.widths) > 1 and network.is_linear:
        notes.append("every activation is the identity: the network is a linear model (CS229 eqs. 2.16-2.20)")
    return notes
