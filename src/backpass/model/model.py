"""A model: what ``fit`` makes and ``load`` returns. It predicts, scores, and saves itself.

The model file holds plain data and arrays (see ``container``): nothing in it can be executed, and the names of
activations, losses and layers are looked up in fixed tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import field, replace
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.engine import Engine, engine_named
from backpass.idiom import in_python
from backpass.model.anatomy.neuron import Neuron, collapsed
from backpass.model.baseline.baseline import Baseline
from backpass.model.baseline.kept import KeptBaselines
from backpass.model.baseline.lookup import Lookup
from backpass.model.evaluation.diagnostics import constant_warnings, warn_all
from backpass.model.evaluation.evaluation import Evaluation
from backpass.model.evaluation.gathering import evaluated, labeled_windows
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.metrics import FEWEST_ROWS
from backpass.model.prediction.ensemble import Ensemble
from backpass.model.prediction.forward import input_names
from backpass.model.prediction.group import Group
from backpass.model.prediction.intervals import PredictedIntervals
from backpass.model.prediction.options import check_reading, require_table
from backpass.model.prediction.predictions import Predictions
from backpass.model.prediction.predictor import Predictor
from backpass.model.prediction.reader import Reader
from backpass.model.prediction.suspects import suspects_in, unfamiliar_texts_in
from backpass.model.record import Record
from backpass.model.saving import to_bytes
from backpass.model.training_rows import TrainingRows
from backpass.network import FeatureMap, Network
from backpass.table import Encoded, Schema, Table
from backpass.table.labeled import Labeled
from backpass.table.messages import counted, listed, shown
from backpass.training import EpochRecord


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model(Predictor):
    """A fitted network, or ensemble of networks, with everything needed to get from a table to predictions.

    Attributes:
        schema: The columns.
        head: The meaning of the outputs.
        feature_map: Maps encoded columns to network inputs.
        network: The network.
        theta: Parameters (P,), or (networks, P) for an ensemble, whose predictions are averaged.
        record: What the model file keeps about the fit.
        engine: The engine that runs the network.
        threads: The number of threads of the engine.
        intervals: The intervals of predicted numbers, from residuals on validation rows; None without such rows.
        baselines: The baselines that can be scored on other rows: the constant one, then the linear one if it is small.
        lookups: The baselines that read the group or the time column.
        training_rows: The summary of the training rows; None in earlier files and after ``partial_fit``.
        others: The groups of networks whose layers differ from those of ``network``; empty if none do.
        shares: The share of each network in the average, in the order of ``groups``, with sum 1; empty if all are
            equal.
    """

    schema: Schema
    head: Head
    feature_map: FeatureMap
    network: Network
    theta: NDArray[Any]
    record: Record
    engine: str = field(default="auto")
    threads: int | None = field(default=None)
    intervals: Intervals | None = None
    baselines: tuple[Baseline, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    training_rows: TrainingRows | None = None
    others: tuple[Group, ...] = ()
    shares: tuple[float, ...] = ()

    def __repr__(self) -> str:
        """One line: what the model predicts, from how many columns, and its network."""
        networks = "network" if self.networks == 1 else f"{self.networks} networks"
        widths = listed([each.title for each in self.groups])
        columns = counted(len(self.schema.features), "column")
        noun = "targets" if len(self.targets) > 1 else "target"
        return f"Model({noun} {listed(self.targets, shown)}, {self.head.target.task}, {columns}, {networks} {widths})"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the fit assumed about the table, with options as arguments of ``fit``."""
        return tuple(in_python(note, reading=True) for note in self.record.notes)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of the fit, with options as arguments of ``fit``."""
        return tuple(in_python(warning, reading=True) for warning in self.record.warnings)

    @property
    def groups(self) -> tuple[Group, ...]:
        """All networks, by their layers: first those of ``network``, then ``others``."""
        return (Group.of(self.network, self.theta), *self.others)

    @property
    def networks(self) -> int:
        """The number of networks that are averaged."""
        return sum(each.count for each in self.groups)

    @property
    def parameter_count(self) -> int:
        """The number of parameters of all networks."""
        return sum(each.theta.size for each in self.groups)

    @property
    def why_no_probabilities(self) -> str:
        """The reason why the model has no probabilities in addition to its predictions."""
        if self.head.target.classes:
            return "the predictions of this model are the probabilities of its labels already"
        return f"target {self.target!r} is a number; only classes have probabilities"

    def predict_interval(self, data: Any, level: float = 0.9, **reading: Any) -> NDArray[np.float64]:
        """Prediction interval of each row: its lower and upper end; it contains the target with probability ``level``.

        The half width is a quantile of the residuals on validation rows (split conformal prediction, Lei et al. 2018);
        see ``Residuals`` for the guarantee. It is larger for predictions whose errors are larger, see ``Spread``. With
        a time column, it is the same for every prediction, and rows later than the test rows have wider intervals. If
        no target of the fit was negative, no end is below 0.

        Args:
            data: As for ``predict``.
            level: The coverage, in (0, 1). Default 0.9.
            **reading: As for ``predict``.

        Returns:
            The ends (n, 2); for k targets (n, k, 2). The level holds for each target separately.

        Raises:
            DataError: As ``predict``.
            UsageError: The model predicts classes, has no residuals, or has too few.
        """
        check_reading("predict_interval", self, data, reading)
        intervals = self.predicted_intervals
        intervals.check_level(level)
        found = self.predictions(self.table(data, **reading))
        warn_all(found.warnings)
        return intervals.ends(found, level)

    def predict_quantiles(
        self, data: Any, quantiles: Sequence[float] = (0.05, 0.5, 0.95), **reading: Any
    ) -> NDArray[np.float64]:
        """Quantiles of the target of each row, ascending; the middle one is the prediction.

        The others are the ends of ``predict_interval``: the lower end at level 1 - 2q for q below 1/2, the upper end at
        level 2q - 1 for q above it.

        Args:
            data: As for ``predict``.
            quantiles: The quantiles, each in (0, 1). Default (0.05, 0.5, 0.95).
            **reading: As for ``predict``.

        Returns:
            The quantiles (n, q); for k targets (n, k, q).

        Raises:
            DataError: As ``predict``.
            UsageError: As ``predict_interval``, listing all invalid values; also if the model's outputs are quantiles.
        """
        check_reading("predict_quantiles", self, data, reading)
        intervals = self.predicted_intervals
        intervals.checked_quantiles(quantiles)
        found = self.predictions(self.table(data, **reading))
        warn_all(found.warnings)
        return intervals.quantiles(found, quantiles)

    @property
    def predicted_intervals(self) -> PredictedIntervals:
        """The intervals and quantiles of predictions that are already made."""
        return PredictedIntervals(self.head, self.intervals)

    def evaluate(self, data: Any, *, strict: bool = False, **reading: Any) -> dict[str, float]:
        """Every metric on rows with known targets, and of numbers the coverage of the 90% intervals and the CRPS.

        These are the scores of ``backpass evaluate``, whose names they have. Of several targets they are means; the
        CRPS, which has the unit of its target, is left out. Rows are weighted by the column of weights of the fit, if
        the data have it. A metric that is undefined for the rows, such as the ROC AUC of a single class, is left out.

        Args:
            data: As for ``predict``, with the target.
            strict: Whether a row without a target raises an error. Default False: it is left out.
            **reading: As for ``predict``.

        Raises:
            DataError: As ``predict``; also for the targets.

        Warns:
            BackpassWarning: As ``predict``; also if many rows are training rows, a constant scores better on ten rows
                or more, or all predictions are the same.
        """
        check_reading("evaluate", self, data, reading)
        with closing(labeled_windows(self, data, weight=self.record.weight, strict=strict, **reading)) as windows:
            found = evaluated(self, windows)
        warn_all([*found.encoded.warnings, *found.warnings])
        return dict(found.scores)

    def evaluation(self, table: Table) -> Evaluation:
        """The scores on a table with known targets, warnings, and a comparison with the baselines.

        Args:
            table: The table, with the columns of the model and the target.

        Raises:
            DataError: The table does not fit the model, or no row has a target.
        """
        require_table("evaluation", table)
        return evaluated(self, [table], keep_rows=True)

    def labeled(self, table: Table, *, strict: bool = False) -> Table:
        """The rows of a table that the model can be scored on: those with a target and a weight above 0.

        Args:
            table: The table.
            strict: Whether a row without a target raises an error.

        Raises:
            DataError: A target cannot be used, there is none, or a count is negative.
        """
        require_table("labeled", table)
        weight = self.record.weight if self.record.weight in table.columns else None
        found = Labeled.of(table, self.targets, weight, strict=strict).table
        self.head.check_rows(found)
        return found

    def features(self, data: Any, **reading: Any) -> NDArray[Any]:
        """The penultimate activations a^[r-1] of each row, (n, m)    CS229 (2.21)

        For an ensemble, those of all its networks, concatenated: (n, networks m), or the sum of their m where layers
        differ. Each network has learned its own features.

        Args:
            data: As for ``predict``.
            **reading: As for ``predict``.

        Raises:
            DataError: As ``predict``.

        Warns:
            BackpassWarning: As ``predict``.
        """
        check_reading("features", self, data, reading)
        outputs, encoded = self.features_of(self.table(data, **reading))
        warn_all(encoded.warnings)
        return outputs

    def features_of(self, table: Table) -> tuple[NDArray[Any], Encoded]:
        """The features of a table's rows, and the encoded columns with notes and warnings.

        Args:
            table: The table, with the columns of the model.

        Returns:
            The penultimate activations (n, m), as ``features`` returns them, and the encoded columns.

        Raises:
            DataError: The table does not fit the model.
        """
        return self._run(table, features=True)

    def collapse(self) -> Neuron:
        """The single linear map W~ x + b~ of a model with identity activations    CS229 (2.20)

        prediction = sum over the columns of w x + b, with w and b in the units of the columns and of the target; for
        two classes the logit of the last one.

        Raises:
            UsageError: An activation is not the identity, numbers are clipped, or the model has several outputs or
                networks of different layers.

        >>> from backpass import fit
        >>> data = {"x": range(100), "y": [3.0 * x - 5.0 for x in range(100)]}
        >>> model = fit(data, "y", hidden=(4, 4), activation="identity", epochs=300, learning_rate=0.01)
        >>> line = model.collapse()
        >>> round(line.weights["x"], 2), round(line.bias)
        (3.0, -5)
        """
        return collapsed(self)

    @property
    def target(self) -> str:
        """The name of the predicted column; the first one if there are several."""
        return self.head.target.name

    @property
    def known_schema(self) -> Schema:
        """The schema in which all targets are known columns rather than ignored ones."""
        others = [name for name in self.targets if name != self.schema.target]
        return replace(self.schema, left_out=(*self.schema.left_out, *others)) if others else self.schema

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the predicted columns."""
        return tuple(dict.fromkeys(each.target.name for each in self.head.targets))

    @property
    def labels(self) -> tuple[str, ...]:
        """The titles of the predictions."""
        return self.head.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of their probabilities; empty for numbers."""
        return self.head.classes

    @property
    def history(self) -> tuple[EpochRecord, ...]:
        """One record per epoch."""
        return self.record.history

    @property
    def plot(self) -> Any:
        """Plots as matplotlib axes: ``model.plot.history()`` and others; see ``backpass.reporting.plot``."""
        # Imported by name: ``reporting`` is a higher package, and a model works without plots (decision 0010).
        return import_module("backpass.reporting.plot").Plots(self)

    @property
    def input_names(self) -> list[str]:
        """The name of each network input."""
        return input_names(self.schema, self.feature_map)

    def reader(self, *, with_target: bool = False) -> Reader:
        """How tables are read for the model; ``with_target``: rows with known targets.

        Args:
            with_target: Whether the rows have known targets, which are then read. Default False.
        """
        return Reader.of(self.schema, self.head, self.record, with_target=with_target)

    def predictions(self, table: Table) -> Predictions:
        """Predictions with probabilities and notes.

        Args:
            table: The table, with the columns of the model.

        Raises:
            DataError: The table does not fit the model.
        """
        require_table("predictions", table)
        outputs, encoded = self._run(table)
        later = None if self.classes else self.record.beyond(table)
        return Predictions.of(self.head, self.head.predictions(outputs), encoded, later=later)

    def outputs(self, table: Table) -> NDArray[Any]:
        """The network's outputs o (n, k), before they are decoded to predictions.

        Args:
            table: The table, with the columns of the model.

        Raises:
            DataError: The table does not fit the model.
        """
        require_table("outputs", table)
        return self._run(table)[0]

    def outputs_with_warnings(self, table: Table) -> NDArray[Any]:
        """The result of ``outputs``.

        Args:
            table: As for ``outputs``.

        Raises:
            DataError: As ``outputs``.

        Warns:
            BackpassWarning: As ``predict``.
        """
        outputs, encoded = self._run(table)
        warn_all(encoded.warnings)
        return outputs

    def _run(self, table: Table, *, features: bool = False) -> tuple[NDArray[Any], Encoded]:
        encoded, ensemble = self.encoded(table, self.known_schema), self.ensemble
        outputs = ensemble.features if features else ensemble.outputs
        return np.concatenate([outputs(x) for x in ensemble.blocks(encoded)]), encoded

    @property
    def _engine(self) -> Engine:
        return engine_named(self.engine, self.threads)

    @property
    def ensemble(self) -> Ensemble:
        """The networks on the engine: encoded columns -> inputs x (n, d) -> outputs o (n, k)"""
        return Ensemble(self.feature_map, self.groups, self.head, self.shares, self._engine)

    @property
    def kept_baselines(self) -> KeptBaselines:
        """The baselines on the engine: inputs x (n, d) and the same rows of a table -> outputs o (n, k) of each"""
        return KeptBaselines(self.baselines, self.lookups, self.feature_map, self._engine)

    def encoded(self, table: Table, schema: Schema | None = None) -> Encoded:
        """A table encoded as arrays, with the columns that look different from those of the training rows.

        Args:
            table: The table.
            schema: The schema of the model, with further known columns. Default None: that of the model.
        """
        require_table("encoded", table)
        found = suspects_in(table, self.schema, self.record.columns)
        encoded = (schema or self.schema).encode(table)
        notes = (*encoded.notes, *self.record.notes_on_times(table))
        return replace(encoded, suspects=(*found, *unfamiliar_texts_in(self.schema, encoded)), notes=notes)

    def warnings_on_scores(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> list[str]:
        """Warnings about equal predictions, and about scores that the constant of the training rows beats.

        Args:
            o: Outputs (n, k).
            truth: Targets (n,) or (n, k).
            weights: The weight of each row (n,). Default None: equal weights.
        """
        constant = next((each.theta for each in self.baselines if each.is_constant), None)
        return constant_warnings(self.head, o, truth, weights, constant=constant if len(o) >= FEWEST_ROWS else None)

    def to_onnx(self) -> bytes:
        """The model as an ONNX graph from raw columns to predictions; see ``backpass.model.onnx.export``.

        Raises:
            UsageError: The package onnx is not installed.
        """
        from backpass.model.onnx.export import to_onnx

        return to_onnx(self)

    def to_bytes(self) -> bytes:
        """The bytes of the model file: the same for the same data, settings and seed."""
        return to_bytes(self)
