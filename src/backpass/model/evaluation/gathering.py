"""Gathering: what an evaluation needs of labeled rows, taken from one window of them after another.

It takes a model and tables, or a file of any length, and returns an Evaluation. Of each row it keeps outputs, targets
and weights, and of the inputs a sample: memory grows by some fifty bytes per row, not by their columns. From
``MOST_ROWS`` or ``MOST_OUTPUTS`` on, it keeps no rows but ``sums``, unless something needs the rows.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.baseline.kept import KeptBaselines
from backpass.model.batches.batches import cut, rows_at_once
from backpass.model.batches.findings import Findings
from backpass.model.evaluation.comparison import RunningComparison, compare
from backpass.model.evaluation.diagnostics import beaten_by
from backpass.model.evaluation.evaluation import Evaluation
from backpass.model.evaluation.labeled_rows import LabeledRows
from backpass.model.evaluation.sums import ScoreSums
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.prediction.ensemble import Ensemble
from backpass.model.prediction.suspects import fractions_in_targets
from backpass.model.record import Record
from backpass.model.training_rows import TrainingRows, row_digests
from backpass.table import Encoded, NumericColumn, Schema, Table
from backpass.table.content import hashes_of
from backpass.table.free_text.encoding import Words
from backpass.table.messages import left_out_note, shown
from backpass.table.stack import stacked
from backpass.table.table import DatetimeColumn
from backpass.table.windows.windows import windows_of

SAMPLE = 2**17
"""The rows whose inputs are kept, if there are several windows: those with the smallest hash of their number."""


MOST_ROWS = 2**19
"""Rows that are kept, if there are several windows and nothing needs all of them."""

MOST_OUTPUTS = 2**26
"""Outputs that are kept: fewer rows of more than 128 classes."""

NOT_KEPT = (
    f"more than {MOST_ROWS:,} rows, or fewer of many classes, are scored without keeping them: areas under curves are "
    "computed from bins of the probabilities, the median absolute error from bins of the errors, and warnings from "
    f"{SAMPLE:,} random rows or fewer"
)


class Labeler(Protocol):
    """The part of a model that labeled rows are read by; see ``Model``."""

    @property
    def schema(self) -> Schema: ...
    @property
    def targets(self) -> tuple[str, ...]: ...

    def kinds(self, *, with_target: bool = False) -> Mapping[str, str]: ...
    def headerless(self) -> tuple[tuple[str, ...], ...]: ...
    def table(self, data: Any, *, with_target: bool = False, strict: bool = False, **reading: Any) -> Table: ...
    def labeled(self, table: Table, *, strict: bool = False) -> Table: ...


class Scorer(Labeler, Protocol):
    """The part of a model that labeled rows are scored by; see ``Model``."""

    @property
    def head(self) -> Head: ...
    @property
    def intervals(self) -> Intervals | None: ...
    @property
    def record(self) -> Record: ...
    @property
    def training_rows(self) -> TrainingRows | None: ...
    @property
    def ensemble(self) -> Ensemble: ...
    @property
    def kept_baselines(self) -> KeptBaselines: ...

    def encoded(self, table: Table, schema: Schema | None = None) -> Encoded: ...
    def warnings_on_scores(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None
    ) -> list[str]: ...


def evaluated(model: Scorer, tables: Iterable[Table], by: Sequence[str] = (), *, keep_rows: bool = False) -> Evaluation:
    """The evaluation of a model on labeled rows.

    Args:
        model: The model.
        tables: The rows, in one table or in several windows.
        by: The segments that the rows are divided into later, as for ``segments_of``: their columns are kept.
        keep_rows: Whether all rows are kept. Default False: only if there are segments, if rows belong together, as
            those of a group do, or if there are at most ``MOST_ROWS``.

    Raises:
        DataError: The tables lack something, or no row has a target.
    """
    rows = _Gathered(model, tuple(by), keep_rows or bool(by))
    for table in cut(tables, rows_at_once(model.head.outputs)):
        rows.add(table)
    return rows.evaluation()


def labeled_windows(
    model: Labeler, data: Any, *, weight: str = "", strict: bool = False, **reading: Any
) -> Generator[Table, None, None]:
    """Yield the rows that a model can be scored on; those of a long file in windows. It must be closed if it is left.

    Args:
        model: The model.
        data: As for ``Model.evaluate``.
        weight: The column of row weights. Default "": none.
        strict: Whether a row without a target raises an error.
        **reading: Options of ``read_table`` or ``table_from``.

    Raises:
        DataError: As ``Model.evaluate``.
    """
    if not isinstance(data, str | Path):
        yield model.labeled(model.table(data, with_target=True, strict=strict, **reading), strict=strict)
        return
    known = {"missing": model.schema.missing, "headerless": model.headerless(), "keep_rows": False, **reading}
    unusable, has_rows = None, False
    with closing(windows_of(data, kinds=model.kinds(with_target=True), **known)) as windows:
        for window in windows:
            if window.rows and not strict and (why := _why_idle(model, window, weight)):
                unusable = window if unusable is None else unusable
                yield replace(window.take([]), notes=(*window.notes, why))
                continue
            has_rows = has_rows or window.rows > 0
            yield model.labeled(window, strict=strict)
    if unusable is not None and not has_rows:
        yield model.labeled(unusable, strict=strict)  # the error is that of a table


def scored_outputs(
    model: Scorer, encoded: Encoded, table: Table
) -> tuple[NDArray[Any], dict[str, NDArray[np.float64]]]:
    """The outputs o (n, k) of the networks and those of each baseline, block by block.

    Args:
        model: The model.
        encoded: The encoded rows.
        table: The same rows.
    """
    ensemble, baselines = model.ensemble, model.kept_baselines
    own, others = list[NDArray[Any]](), list[dict[str, NDArray[np.float64]]]()
    for x in ensemble.blocks(encoded):
        own.append(ensemble.outputs(x))
        others.append(baselines.of_inputs(x))
    found = {name: np.concatenate([each[name] for each in others]) for name in others[0]}
    return np.concatenate(own), found | baselines.of_table(table)


def _why_idle(model: Labeler, table: Table, weight: str) -> str:
    """Say why no row of a window counts; empty if some do."""
    weights = table.columns.get(weight)
    if isinstance(weights, NumericColumn) and not weights.values.any():
        return left_out_note(f"weight {shown(weight)}", [], "weight 0", count=table.rows)
    columns = [column for name in model.targets if (column := table.columns.get(name)) is not None]
    if columns and np.logical_or.reduce([column.missing for column in columns]).all():
        return left_out_note(f"target {shown(columns[0].name)}", table.row_numbers.tolist(), "no value")
    return ""


@dataclass(slots=True)
class _Gathered:
    """What is kept of the rows so far. Mutable.

    Attributes:
        model: The model.
        by: The segments whose columns are kept.
        keep_rows: Whether all rows are kept.
        findings: What was noticed about the windows.
    """

    model: Scorer
    by: tuple[str, ...]
    keep_rows: bool
    findings: Findings = field(default_factory=Findings)
    _tables: list[Table] = field(default_factory=list)
    _o: list[NDArray[Any]] = field(default_factory=list)
    _baselines: list[Mapping[str, _Repeated]] = field(default_factory=list)
    _summed: _Summed | None = None
    _known: NDArray[np.int64] = field(default_factory=lambda: np.zeros(3, np.int64))
    _inputs: list[_Inputs] = field(default_factory=list)
    _words: dict[str, Words] = field(default_factory=dict)

    def add(self, table: Table) -> None:
        """Take in a window."""
        if not table.rows:
            self.findings.add(table)
            return
        model = self.model
        known = replace(model.schema, left_out=(*model.schema.left_out, *table.names, *table.left_out))
        encoded = model.encoded(table, known)
        self.findings.add(table, encoded)
        o, of_baselines = scored_outputs(model, encoded, table)
        if model.training_rows is not None:
            digests = row_digests(encoded.numbers, encoded.codes, model.head.truth(table))
            self._known = self._known + model.training_rows.known(digests)
        self._words = {
            name: words if name not in self._words else _together(self._words[name], words)
            for name, words in encoded.words.items()
        }
        self._inputs.append(_Inputs.of(table, encoded))
        self._add_scored(table, o, {name: _Repeated.of(each) for name, each in of_baselines.items()})
        if len(self._inputs) > 1 and sum(len(each.hashes) for each in self._inputs) > SAMPLE:
            self._inputs = [_Inputs.smallest(self._inputs)]

    def _add_scored(self, table: Table, o: NDArray[Any], baselines: Mapping[str, _Repeated]) -> None:
        if self._tables or self._summed:
            self._tables = [self._kept(each) for each in self._tables[:1]] + self._tables[1:]
            table = self._kept(table)
        count = self.findings.rows
        is_long = bool(self._tables) and (count > MOST_ROWS or count * self.model.head.outputs > MOST_OUTPUTS)
        self._tables.append(table)
        self._o.append(o)
        self._baselines.append(baselines)
        if self._summed is None and is_long and not self.keep_rows and self.model.record.units(table) is None:
            self._summed = _Summed(self.model, self._tables[0].take([]))
        if self._summed is not None:
            for each in zip(self._tables, self._o, self._baselines, strict=True):
                self._summed.add(*each)
            self._tables, self._o, self._baselines = [], [], []

    def _kept(self, table: Table) -> Table:
        """The columns that are needed after the rows are scored."""
        record, by = self.model.record, {*self.by, *(each.rpartition(":")[0] for each in self.by)}
        names = {*self.model.targets, record.weight, *record.split_columns, *by}
        columns = {
            name: column
            for name, column in table.columns.items()
            if name in names or (self.by and isinstance(column, DatetimeColumn))
        }
        return replace(table, columns=columns)

    def evaluation(self) -> Evaluation:
        """The evaluation of all rows."""
        if self._summed is not None:
            return self._summed.evaluation(self._encoded(), self._warnings_on_known())
        model, head, table, encoded = self.model, self.model.head, self._table(), self._encoded()
        record, truth = model.record, head.truth(table)
        weights, units = record.row_weights(table), record.units(table)
        o = _joined(self._o)
        baselines = {name: _Repeated.joined([each[name] for each in self._baselines]) for name in self._baselines[0]}
        self._baselines.clear()
        comparison = compare(head, o, baselines, truth, weights, unit=None if units is None else units.resampled)
        warnings = [
            *fractions_in_targets(head, table, o),
            *self._warnings_on_known(),
            *model.warnings_on_scores(o, truth, weights),
            *beaten_by(comparison, "these rows"),
        ]
        rows = LabeledRows(head, model.intervals, o, truth, weights, units, record.beyond(table))
        return Evaluation(encoded, rows, rows.scores(), warnings, comparison, table)

    def _warnings_on_known(self) -> list[str]:
        training_rows = self.model.training_rows
        return [] if training_rows is None else training_rows.warnings_of(self._known)

    def _table(self) -> Table:
        """The columns that are kept, of all rows."""
        if len(self._tables) == 1:
            return self._tables[0]
        numbers, whole = np.concatenate([each.row_numbers for each in self._tables]), stacked(self._tables)
        self._tables.clear()  # they take memory
        return replace(whole, row_numbers=numbers)

    def _encoded(self) -> Encoded:
        """The encoded rows, or a sample of them, with what was noticed about all of them."""
        inputs = self._inputs[0] if len(self._inputs) == 1 else _Inputs.smallest(self._inputs)
        found = self.findings
        return Encoded(inputs.numbers, inputs.codes, found.unseen, found.notes, found.suspects, self._words)


@dataclass(slots=True)
class _Summed:
    """Rows that are not kept: the sums of their scores, and a random sample of them. Mutable.

    Attributes:
        model: The model.
        table: The first window, without its rows.
    """

    model: Scorer
    table: Table
    _sums: ScoreSums | None = None
    _comparison: RunningComparison | None = None
    _samples: list[_Sample] = field(default_factory=list)

    def add(self, table: Table, o: NDArray[Any], baselines: Mapping[str, _Repeated]) -> None:
        """Take in a window with its outputs."""
        model, head, record = self.model, self.model.head, self.model.record
        self._sums, self._comparison = self._sums or ScoreSums(head), self._comparison or RunningComparison(head)
        truth, weights = head.truth(table), record.row_weights(table)
        self._sums.add(LabeledRows(head, model.intervals, o, truth, weights, None, record.beyond(table)))
        of_baselines = {name: each.whole for name, each in baselines.items()}
        self._comparison.add(o, of_baselines, truth, weights)
        self._samples.append(_Sample.of(table, o, of_baselines))
        if sum(len(each.o) for each in self._samples) > _Sample.most(o):
            self._samples = [_Sample.smallest(self._samples)]

    def evaluation(self, encoded: Encoded, warnings: Sequence[str]) -> Evaluation:
        """The evaluation of all rows; ``warnings`` are those on training rows."""
        assert self._sums is not None
        assert self._comparison is not None
        model, head, sample = self.model, self.model.head, _Sample.smallest(self._samples)
        truth, weights = head.truth(sample.table), model.record.row_weights(sample.table)
        comparison = self._comparison.on_all(sample.o, sample.baselines, truth, weights)
        found = [
            *fractions_in_targets(head, sample.table, sample.o),
            *warnings,
            *model.warnings_on_scores(sample.o, truth, weights),
            *beaten_by(comparison, "these rows"),
        ]
        return Evaluation(encoded, self._sums, self._sums.scores(), found, comparison, self.table, (NOT_KEPT,))


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Some rows with their outputs (n, k), those of the baselines, and hashes of their numbers."""

    table: Table
    o: NDArray[Any]
    baselines: Mapping[str, NDArray[np.float64]]
    hashes: NDArray[np.uint64]

    @staticmethod
    def of(table: Table, o: NDArray[Any], baselines: Mapping[str, NDArray[np.float64]]) -> _Sample:
        """All rows of a table."""
        return _Sample(table, o, baselines, _hashes(table))

    @staticmethod
    def most(o: NDArray[Any]) -> int:
        """The number of rows that are kept; fewer of more than 128 outputs."""
        return min(SAMPLE, rows_at_once(o.shape[1]))

    @staticmethod
    def smallest(several: Sequence[_Sample]) -> _Sample:
        """The rows with the smallest hashes, ``most`` of them, in their order."""
        hashes = np.concatenate([each.hashes for each in several])
        rows = np.sort(np.argsort(hashes, kind="stable")[: _Sample.most(several[0].o)])
        baselines = {
            name: np.concatenate([each.baselines[name] for each in several])[rows] for name in several[0].baselines
        }
        o = np.concatenate([each.o for each in several])[rows]
        return _Sample(stacked([each.table for each in several]).take(rows), o, baselines, hashes[rows])


@dataclass(frozen=True, slots=True, eq=False)
class _Repeated:
    """The outputs of a baseline for the rows of a window; those of a constant are one row.

    Attributes:
        outputs: The outputs (n, k), or (1, k) if all rows are equal.
        rows: n.
    """

    outputs: NDArray[np.float64]
    rows: int

    @staticmethod
    def of(outputs: NDArray[np.float64]) -> _Repeated:
        """The outputs (n, k), without what repeats."""
        is_constant = bool((outputs == outputs[:1]).all())
        return _Repeated(outputs[:1].copy() if is_constant else outputs, len(outputs))

    @property
    def whole(self) -> NDArray[np.float64]:
        """The outputs of all rows (n, k), which take no memory if they are equal."""
        return np.broadcast_to(self.outputs, (self.rows, self.outputs.shape[1]))

    @staticmethod
    def joined(windows: Sequence[_Repeated]) -> NDArray[np.float64]:
        """The outputs of all windows (n, k)."""
        first = windows[0].outputs
        if all(np.array_equal(each.outputs, first) for each in windows) and len(first) == 1:
            return _Repeated(first, sum(each.rows for each in windows)).whole
        return np.concatenate([each.whole for each in windows])


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """The rows of several arrays; the list is emptied, because they take memory."""
    whole = np.concatenate(arrays) if arrays else np.zeros(0)
    arrays.clear()
    return whole


@dataclass(frozen=True, slots=True, eq=False)
class _Inputs:
    """Encoded rows, see ``Encoded``, each with a hash of its number."""

    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    hashes: NDArray[np.uint64]

    @staticmethod
    def of(table: Table, encoded: Encoded) -> _Inputs:
        """All rows of a table."""
        return _Inputs(encoded.numbers, encoded.codes, _hashes(table))

    @staticmethod
    def smallest(several: Sequence[_Inputs]) -> _Inputs:
        """The rows with the smallest hashes, ``SAMPLE`` at most, in their order."""
        hashes = np.concatenate([each.hashes for each in several])
        rows = np.sort(np.argsort(hashes, kind="stable")[:SAMPLE])
        numbers, codes = (np.concatenate([getattr(each, n) for each in several]) for n in ("numbers", "codes"))
        return _Inputs(numbers[rows], codes[rows], hashes[rows])


def _hashes(table: Table) -> NDArray[np.uint64]:
    """A hash of the number of each row."""
    return hashes_of([table.row_numbers.astype(np.uint64)], table.rows)


def _together(a: Words, b: Words) -> Words:
    """The words of two windows."""
    return Words(a.known + b.known, a.held + b.held, a.rows + b.rows, a.unfamiliar + b.unfamiliar)
