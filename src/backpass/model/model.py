"""A model: what ``fit`` makes and ``load`` returns. It predicts, scores, and saves itself.

The model file holds plain data and arrays (see ``container``): nothing in it can be executed, and the names of
activations, losses and layers are looked up in fixed tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.engine import engine_named
from backpass.errors import DataError, UsageError
from backpass.idiom import in_python
from backpass.model.anatomy.neuron import Neuron, collapsed
from backpass.model.baseline.baseline import Baseline
from backpass.model.baseline.lookup import Lookup
from backpass.model.comparison import compare
from backpass.model.diagnostics import beaten_by, judged, warn_all
from backpass.model.file.storage import write_atomically
from backpass.model.forward import CHUNK, input_names, inputs_of
from backpass.model.group import Group
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.metrics import FEWEST_ROWS
from backpass.model.predictions import Evaluation, Predictions
from backpass.model.profile import NumericProfile, fractions_of_target, strangers_in, suspects_in
from backpass.model.record import Record
from backpass.model.saving import to_bytes
from backpass.model.split.units import resampled_rows
from backpass.model.training_rows import TrainingRows, row_digests
from backpass.network import FeatureMap, Network
from backpass.table import Encoded, Schema, Table, read_table, table_from
from backpass.table.labeled import Labeled, weights_in
from backpass.table.messages import counted, listed, shown
from backpass.table.notation.boolean import ZERO_ONE
from backpass.training import EpochRecord

if TYPE_CHECKING:
    import pyarrow

_BLOCK = 8 * CHUNK
"""Rows whose network inputs are in memory at a time: whole chunks, so that each chunk has the same rows."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
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
        networks = "network" if self.theta.ndim == 1 and not self.others else f"{self.networks} networks"
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

    def predict(self, data: Any, **reading: Any) -> NDArray[Any]:
        """The prediction for each row.

        Args:
            data: A path, a data frame, a dict of columns or a Table, with columns matched by name; or an array (n, d)
                with the model's columns in their order.
            **reading: Options of ``read_table`` or ``table_from``.

        Returns:
            A number or a class, (n,): the most probable one, unless the model has a threshold; for several outputs
            (n, k), numbers or the probabilities of labels.

        Raises:
            DataError: Lists every column that is missing or of another kind.

        Warns:
            BackpassWarning: A categorical column holds nearly nothing that the model knows; percentages seem to be
                fractions; or a column has no values, and had no missing ones at the fit.
        """
        found = self.predictions(self.table(data, **reading))
        warn_all(found.warnings)
        return found.values

    def predict_proba(self, data: Any, **reading: Any) -> NDArray[np.float64]:
        """The probability of each class, (n, classes) in the order of ``classes``.

        Raises:
            DataError: As ``predict``.
            UsageError: The target is a number.

        Warns:
            BackpassWarning: As ``predict``.
        """
        found = self.predictions(self.table(data, **reading))
        if found.probabilities is None:
            raise UsageError(self.why_no_probabilities)
        warn_all(found.warnings)
        return found.probabilities

    @property
    def why_no_probabilities(self) -> str:
        """The reason why the model has no probabilities in addition to its predictions."""
        if self.head.target.classes:
            return "the predictions of this model are the probabilities of its labels already"
        return f"target {self.target!r} is a number; only classes have probabilities"

    def predict_batches(
        self, source: Any, rows: int = 65_536, *, proba: bool = False, keep: Sequence[str] = (), **reading: Any
    ) -> Iterator[pyarrow.RecordBatch]:
        """The predictions for a table of any length, as Arrow record batches, in constant memory.

        Predictions are those of ``predict``. CSV, TSV and Parquet files are read a window of rows at a time. What is
        decided from all rows otherwise, such as the decimal sign, is decided by the first rows that tell; later rows
        that contradict are an error.

        Args:
            source: What ``predict`` takes, an Arrow reader, or an iterable of tables with the same columns. Tables
                without rows are skipped.
            rows: The number of rows of a batch, at most.
            proba: Whether to add the probability of each class, as columns p(CLASS).
            keep: Columns of the table to put first in each batch.
            **reading: Options of ``read_table`` or ``table_from``.

        Returns:
            Batches with a column for each prediction, of the target's name.

        Raises:
            DataError: As ``predict``, when the batch with the error is asked for.
            UsageError: pyarrow is not installed, ``proba`` for a number, or ``rows`` is no whole number from 1 up.

        Warns:
            BackpassWarning: As ``predict``, once, after the last batch.

        >>> from backpass import fit
        >>> model = fit({"x": range(100), "y": [3.0 * x for x in range(100)]}, "y", epochs=1)
        >>> [batch.num_rows for batch in model.predict_batches({"x": range(100)}, rows=40)]
        [40, 40, 20]
        """
        from backpass.model.batches.batches import batches_of

        return batches_of(self, source, rows, proba=proba, keep=keep, **reading)

    def predict_interval(self, data: Any, level: float = 0.9, **reading: Any) -> NDArray[np.float64]:
        """Lower and upper end of an interval that contains the target of each row with probability ``level``.

        The half width is a quantile of the residuals on validation rows, the same for every row (split conformal
        prediction, Lei et al. 2018); see ``Residuals`` for the guarantee. With a time column, rows later than the test
        rows have wider intervals. If no target of the fit was negative, no end is below 0.

        Args:
            data: As for ``predict``.
            level: The probability. Default 0.9.
            **reading: As for ``predict``.

        Returns:
            The ends (n, 2); for k targets (n, k, 2). The probability is that of each target by itself.

        Raises:
            DataError: As ``predict``.
            UsageError: The model predicts classes, has no residuals, or has too few.
        """
        self.known_intervals("intervals").half_widths(level)
        found = self.predictions(self.table(data, **reading))
        warn_all(found.warnings)
        return self.interval_ends(found, level)

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
        self.checked_quantiles(quantiles)
        found = self.predictions(self.table(data, **reading))
        warn_all(found.warnings)
        return self.quantile_ends(found, quantiles)

    def checked_quantiles(self, asked: Sequence[float | str]) -> tuple[float, ...]:
        """The quantiles as numbers, in ascending order.

        Raises:
            UsageError: As ``predict_quantiles``.
        """
        if isinstance(asked, str) or not hasattr(asked, "__len__"):
            raise UsageError(f"quantiles takes a list of numbers; got {asked!r}", hint=f"quantiles=[{asked}]")
        if self.head.loss_name == "quantile":
            found = ", ".join(f"q={each.q!r}" for each in self.head.targets)
            raise UsageError(
                f"the outputs of this model are quantiles already: {found} of {self.target!r}",
                hint="predict without --quantiles; for others, fit with loss squared, or with another --quantile",
            )
        return self.known_intervals("quantiles").checked(asked)

    def interval_ends(self, found: Predictions, level: float) -> NDArray[np.float64]:
        """The ends of the intervals of predictions, see ``predict_interval``."""
        return self.known_intervals("intervals").ends(found.values, level, found.later)

    def quantile_ends(self, found: Predictions, quantiles: Sequence[float | str]) -> NDArray[np.float64]:
        """The quantiles of the targets of predicted rows, see ``predict_quantiles``."""
        return self.known_intervals("quantiles").quantiles(found.values, quantiles, found.later)

    def known_intervals(self, what: str) -> Intervals:
        """The intervals.

        Args:
            what: What is made of them, for the message.

        Raises:
            UsageError: The model has none.
        """
        if self.classes or self.head.are_labels:
            raise UsageError(f"target {self.target!r} holds classes; only numbers have {what}")
        if len(self.targets) < self.head.outputs:
            raise UsageError(f"the outputs of this model are quantiles of {self.target!r}; they have no {what}")
        if self.intervals is None:
            raise UsageError(
                f"the model keeps no residuals to make {what} of",
                hint="fit it again, with validation rows (--validation-fraction, --validation-file)",
            )
        return self.intervals

    def evaluate(self, data: Any, *, strict: bool = False, **reading: Any) -> dict[str, float]:
        """Every metric on rows with known targets; the mean over several targets.

        Rows are weighted by the column that the fit took their weights from, if the data have it. A metric that is
        undefined for the rows, such as the ROC AUC of a single class, is left out.

        Args:
            data: As for ``predict``, with the target.
            strict: Whether a row without a target is an error. Default False: it is left out.
            **reading: As for ``predict``.

        Raises:
            DataError: As ``predict``; also for the targets.

        Warns:
            BackpassWarning: As ``predict``; also if many rows are training rows, a constant scores better on ten rows
                or more, or all predictions are the same.
        """
        table = self.labeled(self.table(data, with_target=True, strict=strict, **reading), strict=strict)
        scores, warnings, _ = self.evaluation(table)
        warn_all(warnings)
        return scores

    def evaluation(self, table: Table) -> Evaluation:
        """The scores on a table with known targets, warnings, and a comparison with the baselines."""
        encoded = self.encoded(table)
        truth, weights, unit = self.head.truth(table), self.weights(table), self.resampled_rows(table)
        o, of_baselines = self.scored_outputs(encoded, table)
        comparison = compare(self.head, o, of_baselines, truth, weights, unit=unit)
        warnings = [
            *encoded.warnings,
            *self._warnings_on_fractions(table, o),
            *self.warnings_on_known(encoded, truth),
            *self.warnings_on_scores(o, truth, weights),
            *beaten_by(comparison, "these rows"),
        ]
        return Evaluation(self.head.defined_scores(o, truth, weights), warnings, comparison)

    def _warnings_on_fractions(self, table: Table, o: NDArray[Any]) -> list[str]:
        """A warning on each target of percentages that the table seems to hold as fractions."""
        predicted = self.head.predictions(o)
        if self.classes or not predicted.size:
            return []
        columns = predicted.reshape(len(predicted), -1).T
        pairs = zip(self.head.targets, columns, strict=False)
        return [s.warning for each, y in pairs for s in fractions_of_target(each.target, table, y)]

    def warnings_on_known(self, encoded: Encoded, truth: NDArray[Any]) -> list[str]:
        """A warning if many rows are training rows.

        Args:
            encoded: The rows.
            truth: Their targets (n,) or (n, k).
        """
        if self.training_rows is None:
            return []
        return self.training_rows.warnings_on(row_digests(encoded.numbers, encoded.codes, truth))

    def labeled(self, table: Table, *, strict: bool = False) -> Table:
        """The rows of a table that the model can be scored on: those with a target and a weight above 0.

        Args:
            table: The table.
            strict: Whether rows without a target stay, so that they are refused.
        """
        weight = self.record.weight if self.record.weight in table.columns else None
        return Labeled.of(table, [each.target.name for each in self.head.targets], weight, strict=strict).table

    def weights(self, table: Table) -> NDArray[np.float64] | None:
        """The weights of a table's rows (n,), from the column that the fit took them from; None without such a column.

        Raises:
            DataError: The weights cannot be used.
        """
        return weights_in(table, self.record.weight) if self.record.weight in table.columns else None

    def resampled_rows(self, table: Table) -> NDArray[np.int64] | None:
        """The group or the block of time of each row of a table (n,), which a bootstrap draws as a whole.

        None if the fit had neither a group nor a time column, or if the table lacks it: rows are drawn one by one.
        """
        settings = self.record.settings
        return resampled_rows(table, group=settings.get("group"), time=settings.get("time"))

    def features(self, data: Any, **reading: Any) -> NDArray[Any]:
        """The penultimate activations a^[r-1] of each row, (n, m)    CS229 (2.21)

        For an ensemble, those of all its networks, concatenated: (n, networks m), or the sum of their m where layers
        differ. Each network has learned its own features.
        """
        outputs, encoded = self.features_of(self.table(data, **reading))
        warn_all(encoded.warnings)
        return outputs

    def features_of(self, table: Table) -> tuple[NDArray[Any], Encoded]:
        """The features of a table's rows, and the encoded columns with notes and warnings."""
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
        """The schema that takes all targets for known columns, not for columns that are ignored."""
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
        # Imported by name: ``report`` is a higher package, and a model works without plots (decision 0010).
        return import_module("backpass.reporting.plot").Plots(self)

    @property
    def input_names(self) -> list[str]:
        """The name of each network input."""
        return input_names(self.schema, self.feature_map)

    def kinds(self, *, with_target: bool = False) -> dict[str, str]:
        """The required kind of each column; ``with_target``: also of the target, the group and the time."""
        profiles = self.record.columns.items()
        binary = {name for name, each in profiles if isinstance(each, NumericProfile) and each.is_zero_one}
        kinds: dict[str, str] = {
            name: ZERO_ONE if kind == "numeric" and name in binary else kind for name, kind in self.schema.kinds.items()
        }
        targets = {each.target.name: each.target.demand for each in self.head.targets}
        weight: dict[str, str] = {self.record.weight: "numeric"} if self.record.weight else {}
        return {**self.record.split_columns, **kinds, **targets, **weight} if with_target else kinds

    def headerless(self) -> tuple[tuple[str, ...], ...]:
        """Column names by position in a file without a header: one tuple with the targets and one without them.

        Empty if the model was not fitted on such a file.
        """
        names, targets = self.schema.headerless, {each.target.name for each in self.head.targets}
        return (names, tuple(name for name in names if name not in targets)) if names else ()

    def table(self, data: Any, *, with_target: bool = False, strict: bool = False, **reading: Any) -> Table:
        """The table with the columns' kinds that the model was fitted on, from data in any supported form.

        With the target, rows that have none are left out, with a note; ``strict`` keeps them, so that they are refused.
        """
        table = data if isinstance(data, Table) else self._read(data, with_target=with_target, **reading)
        targets = [each.target.name for each in self.head.targets] if with_target else []
        return Labeled.of(table, targets, strict=strict).table

    def _read(self, data: Any, *, with_target: bool, **reading: Any) -> Table:
        if isinstance(data, np.ndarray) and data.dtype.names is None:
            data = self._columns_of(data)
        kinds = self.kinds(with_target=with_target)
        if isinstance(data, str | Path):
            known = {
                "missing": self.schema.missing,
                "headerless": self.headerless(),
                "keep_rows": not with_target,
            }
            return read_table(data, kinds=kinds, **{**known, **reading})
        return table_from(data, kinds=kinds, **{"missing": self.schema.missing, **reading})

    def _columns_of(self, X: NDArray[Any]) -> dict[str, Any]:
        """The columns of an array (n, d), by the model's names.

        Raises:
            DataError: The array has another shape.
        """
        names = [feature.name for feature in self.schema.features]
        if X.ndim != 2 or X.shape[1] != len(names):
            raise DataError(
                f"an array of rows for this model has shape (n, {len(names)}), got {X.shape}",
                hint=f"its columns are, in this order: {listed(names, shown)}",
            )
        columns = X.T.tolist() if X.dtype.kind in "OU" else X.T
        return dict(zip(names, columns, strict=True))

    def predictions(self, table: Table) -> Predictions:
        """Predictions with probabilities and notes."""
        outputs, encoded = self._run(table)
        predicted = self.head.predictions(outputs)
        if not self.classes:
            later = self.record.are_later(table)
            return Predictions(predicted, None, (), encoded.notes, encoded.unseen, encoded.suspects, later)
        names = np.array(self.classes, dtype=object)
        decided = names[self.head.decided(predicted)]
        return Predictions(decided, predicted, self.classes, encoded.notes, encoded.unseen, encoded.suspects)

    def outputs(self, table: Table) -> NDArray[Any]:
        """The network's outputs o (n, k), before they are decoded to predictions."""
        return self._run(table)[0]

    def outputs_with_warnings(self, table: Table) -> NDArray[Any]:
        """The result of ``outputs``.

        Warns:
            BackpassWarning: As ``predict``.
        """
        outputs, encoded = self._run(table)
        warn_all(encoded.warnings)
        return outputs

    def _run(self, table: Table, *, features: bool = False) -> tuple[NDArray[Any], Encoded]:
        encoded = self.encoded(table, self.known_schema)
        blocks = [self.outputs_at(x, features=features) for x in self._inputs_in_blocks(encoded)]
        return np.concatenate(blocks), encoded

    def _inputs_in_blocks(self, encoded: Encoded) -> Iterator[NDArray[Any]]:
        """Yield the network inputs (b, d) of blocks of rows, which need less memory than those of all rows."""
        for first in range(0, max(len(encoded.codes), 1), _BLOCK):
            yield self.inputs_at(encoded.numbers[first : first + _BLOCK], encoded.codes[first : first + _BLOCK])

    def scored_outputs(self, encoded: Encoded, table: Table) -> tuple[NDArray[Any], dict[str, NDArray[np.float64]]]:
        """The outputs o (n, k) of the networks and those of the baselines, see ``baseline_outputs``.

        Args:
            encoded: The encoded rows.
            table: The same rows.
        """
        own, others = list[NDArray[Any]](), list[dict[str, NDArray[np.float64]]]()
        for x in self._inputs_in_blocks(encoded):
            own.append(self.outputs_at(x))
            others.append(self._baseline_outputs_at(x))
        found = {name: np.concatenate([each[name] for each in others]) for name in others[0]}
        return np.concatenate(own), found | self._lookup_outputs(table)

    def encoded(self, table: Table, schema: Schema | None = None) -> Encoded:
        """A table encoded as arrays, with the columns that are unlike those of the training rows.

        Args:
            table: The table.
            schema: The schema of the model, with further known columns. Default None: that of the model.
        """
        found = suspects_in(table, self.schema, self.record.columns)
        encoded = (schema or self.schema).encode(table)
        notes = (*encoded.notes, *self.record.notes_on_times(table))
        return replace(encoded, suspects=(*found, *strangers_in(self.schema, encoded)), notes=notes)

    def inputs_at(self, numbers: NDArray[np.float64], codes: NDArray[np.int32]) -> NDArray[Any]:
        """The network inputs x (n, d) for encoded columns (n, p) and (n, q)."""
        return inputs_of(self.feature_map, numbers, codes, self.theta.dtype, engine_named(self.engine, self.threads))

    def outputs_at(self, x: NDArray[Any], *, features: bool = False) -> NDArray[Any]:
        """Outputs o (n, k) for x (n, d), averaged over networks; or their penultimate activations, concatenated."""
        engine = engine_named(self.engine, self.threads)
        found = [o for group in self.groups for o in group.outputs(x, engine, features=features)]
        return np.concatenate(found, axis=1) if features else self.head.averaged(found, self.shares)

    def baseline_outputs(self, x: NDArray[Any], table: Table) -> dict[str, NDArray[np.float64]]:
        """The outputs o (n, k) of each baseline that the model keeps and whose column the table has.

        Args:
            x: Network inputs (n, d).
            table: The same rows.
        """
        return self._baseline_outputs_at(x) | self._lookup_outputs(table)

    def _baseline_outputs_at(self, x: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        engine, fold = engine_named(self.engine, self.threads), self.feature_map.folded
        return {each.name: each.outputs(x, engine, fold) for each in self.baselines}

    def _lookup_outputs(self, table: Table) -> dict[str, NDArray[np.float64]]:
        if not self.baselines:
            return {}
        return {each.name: o for each in self.lookups if (o := each.outputs(table)) is not None}

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
        return judged(self.head, o, truth, weights, constant=constant if len(o) >= FEWEST_ROWS else None)

    def save(self, path: str | Path) -> None:
        """Write the model file, atomically.

        Raises:
            ResourceError: The file cannot be written.
        """
        write_atomically(path, self.to_bytes())

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
