"""A grouped model: what ``fit_groups`` makes: a small network for each group, and one network of all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.engine import engine_named
from backpass.errors import UsageError, did_you_mean
from backpass.idiom import in_python
from backpass.model.evaluation.diagnostics import warn_all
from backpass.model.evaluation.gathering import labeled_windows
from backpass.model.grouped.evaluation import gathered
from backpass.model.grouped.groups import UnseenGroups, keys_of, places_in, unseen_note
from backpass.model.grouped.record import GroupedRecord
from backpass.model.grouped.saving import to_bytes
from backpass.model.grouped.scales import GroupScales, Shared
from backpass.model.head.head import Head
from backpass.model.metrics import LOWER_IS_BETTER, ScoringOptions, scores
from backpass.model.model import Model
from backpass.model.prediction.forward import inputs_of, outputs_of
from backpass.model.prediction.options import check_reading, require_table
from backpass.model.prediction.predictions import Predictions
from backpass.model.prediction.predictor import Predictor
from backpass.model.prediction.reader import Reader
from backpass.model.record import Record
from backpass.model.settings.settings import Settings
from backpass.table import Encoded, Schema, Table, table_from
from backpass.table.labeled import Labeled
from backpass.table.messages import absent, counted, data_error, shown
from backpass.table.table import RequiredKind


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupedModel(Predictor):
    """A fitted network for each group of rows. Rows of other groups are predicted by a network of all rows.

    ``model[key]`` is the ``Model`` of one group; ``len(model)``, ``key in model`` and ``for key in model`` count, test
    and name the groups.

    Attributes:
        base: The model of the network of all rows, which also holds the columns and the target.
        by: The column of groups.
        kind: The required kind of that column.
        groups: The key of each group with a network of its own, sorted: its string, or its number as a string.
        theta: The parameters of the network of each group (groups, P).
        scales: The scales of each group.
        record: What the model file keeps about the fit.
    """

    base: Model
    by: str
    kind: RequiredKind
    groups: tuple[str, ...]
    theta: NDArray[Any]
    scales: GroupScales
    record: GroupedRecord

    def __repr__(self) -> str:
        """One line: what the model predicts, and how many networks it has."""
        target = f"target {shown(self.target)}, {self.base.head.target.task}"
        return f"GroupedModel({target}, by {shown(self.by)}, {counted(len(self), 'group')})"

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[str]:
        return iter(self.groups)

    def __contains__(self, key: object) -> bool:
        return self._key(key) in self.groups

    def __getitem__(self, key: object) -> Model:
        """The model of one group, by its string or its number.

        Raises:
            UsageError: The group has no network of its own.
        """
        text = self._key(key)
        if text not in self.groups:
            raise UsageError(
                f"there is no network for {shown(self.by)} = {shown(text)} ({did_you_mean(text, list(self.groups))})",
                hint="model.base is the network of all rows, which predicts other groups",
            )
        return self._model_of(self.groups.index(text))

    def _key(self, key: object) -> str:
        column = table_from({self.by: [key]}).columns[self.by]
        return str(keys_of(column)[0])

    def _model_of(self, group: int) -> Model:
        shared, record, base = self._shared, self.record, self.base
        train, test = record.rows[group].tolist()
        score = record.scores_of_groups()[group]
        scores = {} if score is None else {"test": {self.metric: score}}
        own = Record(
            settings=record.settings,
            rows={"train": train, **({"test": test} if scores else {})},
            scores=scores,
            baselines={},
            history=(),
            best_epoch=0,
            steps=int(record.steps[group]),
            reason="finished",
            notes=(f"the network of {shown(self.by)} = {shown(self.groups[group])}",),
            columns=base.record.columns,
        )
        feature_map, head = self.scales.feature_map(shared, group), self.scales.head(shared, group)
        theta = self.theta[group].copy()
        return Model(base.schema, head, feature_map, base.network, theta, own, base.engine, base.threads)

    @property
    def target(self) -> str:
        """The name of the predicted column."""
        return self.base.target

    @property
    def head(self) -> Head:
        """The target and its metrics, on the scale of all rows."""
        return self.base.head

    @property
    def schema(self) -> Schema:
        """The columns."""
        return self.base.schema

    @property
    def known_schema(self) -> Schema:
        """The schema that takes the target and the column of groups for known columns."""
        known = self.base.known_schema
        return replace(known, left_out=tuple(dict.fromkeys((*known.left_out, self.by))))

    @property
    def labels(self) -> tuple[str, ...]:
        """The title of the predictions."""
        return self.base.labels

    @property
    def why_no_probabilities(self) -> str:
        """The reason why the model has no probabilities in addition to its predictions."""
        return self.base.why_no_probabilities

    @property
    def is_lower_better(self) -> bool:
        """Whether a lower value of the main metric is better."""
        return self.metric in LOWER_IS_BETTER

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of their probabilities; empty for numbers."""
        return self.base.classes

    @property
    def metric(self) -> str:
        """The main metric, by which groups are compared."""
        return self.base.head.metric

    @property
    def scores(self) -> Mapping[str, Mapping[str, float]]:
        """The metrics on the test rows, see ``GroupedRecord``."""
        return self.record.scores

    @property
    def notes(self) -> tuple[str, ...]:
        """What the fit assumed about the table and the groups, with options as arguments of Python."""
        return tuple(map(in_python, (*self.base.record.notes, *self.record.notes)))

    @property
    def worst(self) -> list[tuple[str, float]]:
        """Each group that has test rows with the main metric of these, the worst first."""
        found, tested = self.record.group_scores, self.record.tested
        order = np.argsort(-found if self.is_lower_better else found, kind="stable")
        return [(self.groups[tested[i]], float(found[i])) for i in order]

    def evaluate(self, data: Any, *, strict: bool = False, **reading: Any) -> dict[str, float]:
        """Every metric on rows with known targets.

        Args:
            data: As for ``predict``, with the target.
            strict: Whether a row without a target raises an error. Default False: it is left out.
            **reading: As for ``predict``.

        Raises:
            DataError: As ``predict``; also for the targets.

        Warns:
            BackpassWarning: As ``predict``.
        """
        check_reading("evaluate", self, data, reading)
        with closing(labeled_windows(self, data, strict=strict, **reading)) as windows:
            found = gathered(self, windows)
        warn_all(found.findings.warnings)
        return self.scores_of(found.predicted, found.truth)

    def labeled(self, table: Table, *, strict: bool = False) -> Table:
        """The rows of a table that have a target; with ``strict``, a row without one is an error.

        Args:
            table: The table.
            strict: Whether a row without a target raises an error. Default False: it is left out.

        Raises:
            DataError: A target cannot be used, there is none, or a count is negative.
        """
        require_table("labeled", table)
        found = Labeled.of(table, self.targets, strict=strict).table
        self.base.head.check_rows(found)
        return found

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the predicted columns: one."""
        return self.base.targets

    def scores_of(
        self, predicted: NDArray[np.float64], truth: NDArray[Any], names: Sequence[str] | None = None
    ) -> dict[str, float]:
        """The metrics of predictions that are defined for the targets.

        Args:
            predicted: Numbers (n,) or probabilities (n, classes).
            truth: Targets (n,).
            names: The metrics. Default None: all.
        """
        head = self.base.head
        decided = head.decided(predicted) if self.classes else None
        options = ScoringOptions(head.targets[0].q, head.positive, decided)
        return scores(head.all_metrics if names is None else names, predicted, truth, None, options)

    def reader(self, *, with_target: bool = False) -> Reader:
        """How tables are read for the model, with the column of groups; ``with_target``: rows with known targets.

        Args:
            with_target: Whether the rows have known targets, which are then read. Default False.
        """
        base = self.base.reader(with_target=with_target)
        return replace(base, kinds={self.by: self.kind, **base.kinds}, positions=())

    def notes_on(self, places: NDArray[np.intp]) -> list[str]:
        """A note if some rows have no network of their own: their place among the groups is -1.

        Args:
            places: The number of each row's group (n,).
        """
        return [unseen_note(self.by)] if (places < 0).any() else []

    def unseen_groups(self, table: Table) -> tuple[UnseenGroups, ...]:
        """The rows of groups that have no network of their own, if there are any.

        Args:
            table: The table, with the column of groups.
        """
        places = self.places(table)
        return UnseenGroups.of(table.columns[self.by], places, self.groups)

    def predictions(self, table: Table) -> Predictions:
        """Predictions with probabilities and notes.

        Args:
            table: The table, with the columns of the model and that of groups.

        Raises:
            DataError: The table does not fit the model.
        """
        require_table("predictions", table)
        encoded = self.encoded(table)
        predicted = self.predicted(table, encoded)
        found = Predictions.of(self.head, predicted, encoded, tuple(self.notes_on(self.places(table))))
        return replace(found, unseen=(*found.unseen, *self.unseen_groups(table)))

    def encoded(self, table: Table) -> Encoded:
        """A table encoded as arrays by the schema of all groups.

        Args:
            table: The table, with the columns of the model.

        Raises:
            DataError: The table does not fit the model.
        """
        return self.base.encoded(table, self.known_schema)

    def places(self, table: Table) -> NDArray[np.intp]:
        """The number of each row's group (n,); -1 for a group without a network of its own.

        Args:
            table: The table, with the column of groups.

        Raises:
            DataError: The table lacks the column of groups.
        """
        if self.by not in table.columns:
            known = [name for name in (*table.names, *table.left_out) if name != self.by]
            hint = "a grouped model needs the column that it was fitted by"
            raise data_error(table.source, absent([self.by], known, "group column")[0], hint)
        return places_in(self.groups, table.columns[self.by], are_numbers=self.kind.startswith("numeric"))

    def predicted(self, table: Table, encoded: Encoded) -> NDArray[np.float64]:
        """Numbers (n,) or probabilities (n, classes) for the rows of a table, encoded by the schema of ``base``.

        Args:
            table: The table, with the column of groups.
            encoded: Its columns, as ``encoded`` returns them.
        """
        groups = self.places(table)
        known, others = np.flatnonzero(groups >= 0), np.flatnonzero(groups < 0)
        base = self.base
        found = np.empty((table.rows, len(self.classes)) if self.classes else table.rows)
        if others.size:
            x = base.ensemble.inputs(encoded.numbers[others], encoded.codes[others])
            found[others] = base.head.predictions(base.ensemble.outputs(x))
        if known.size:
            o = self._outputs(encoded.numbers[known], encoded.codes[known], groups[known])
            found[known] = self.decoded(o, groups[known])
        return found

    def decoded(self, o: NDArray[Any], groups: NDArray[np.intp]) -> NDArray[np.float64]:
        """Outputs o (n, k) on the scale of each row's group -> numbers (n,) or probabilities (n, classes)

        Args:
            o: The outputs of the networks of the groups.
            groups: The number of each row's group (n,).
        """
        p = self._shared.unscaled_head.predictions(o)
        return p if self.classes else self.scales.decoded(p, groups)

    @property
    def _shared(self) -> Shared:
        base = self.base
        return Shared(base.feature_map, base.head, Settings.from_json(self.record.settings))

    def _outputs(
        self, numbers: NDArray[np.float64], codes: NDArray[np.int32], groups: NDArray[np.intp]
    ) -> NDArray[Any]:
        """The outputs (n, k) of the network of each row's group."""
        shared, engine = self._shared, engine_named(self.base.engine, self.base.threads)
        standard = self.scales.standardized(numbers, groups, shared.cyclic)
        x = inputs_of(shared.standard, standard, codes, self.theta.dtype, engine)
        found = np.empty((len(x), self.base.network.outputs), self.theta.dtype)
        order = np.argsort(groups, kind="stable")
        present, first = np.unique(groups[order], return_index=True)
        one = engine_named(self.base.engine, 1)
        for group, rows in zip(present, np.split(order, first[1:]), strict=True):
            found[rows] = outputs_of(self.base.network, self.theta[group], _padded(x[rows]), one)[: len(rows)]
        return found

    def to_bytes(self) -> bytes:
        """The bytes of the model file: the same for the same data, settings and seed."""
        return to_bytes(self)


def _padded(x: NDArray[Any]) -> NDArray[Any]:
    """x with rows of zeros up to a power of two, because a circuit is compiled for each number of rows."""
    rows = 1 << (len(x) - 1).bit_length()
    return x if rows == len(x) or len(x) > 512 else np.concatenate([x, np.zeros((rows - len(x), x.shape[1]), x.dtype)])
