"""The evaluation of a grouped model: its predictions for labeled rows, gathered from one window after another.

It takes a model and tables and keeps the prediction, the target and the group of each row, and what was noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.batches.findings import Findings
from backpass.model.grouped.groups import UnseenGroups
from backpass.model.head.head import Head
from backpass.table import Encoded, Table


class Scorer(Protocol):
    """The part of a grouped model that labeled rows are scored by; see ``GroupedModel``."""

    @property
    def head(self) -> Head: ...
    @property
    def by(self) -> str: ...

    def encoded(self, table: Table) -> Encoded: ...
    def predicted(self, table: Table, encoded: Encoded) -> NDArray[np.float64]: ...
    def places(self, table: Table) -> NDArray[np.intp]: ...
    def unseen_groups(self, table: Table) -> tuple[UnseenGroups, ...]: ...


@dataclass(frozen=True, slots=True, eq=False)
class GroupedEvaluation:
    """A grouped model on rows with known targets.

    Attributes:
        predicted: Numbers (n,) or probabilities (n, classes).
        truth: Targets (n,).
        places: The number of each row's group (n,); -1 for a group without a network of its own.
        unseen: The rows of groups without a network; empty if there are none.
        findings: What was noticed about the rows.
    """

    predicted: NDArray[np.float64]
    truth: NDArray[Any]
    places: NDArray[np.intp]
    unseen: tuple[UnseenGroups, ...]
    findings: Findings


def gathered(model: Scorer, tables: Iterable[Table]) -> GroupedEvaluation:
    """The evaluation of a grouped model on the rows of one table, or of several windows.

    Raises:
        DataError: A table lacks a column, or no row has a target.
    """
    findings, unseen, held = Findings(), list[UnseenGroups](), 0
    parts = list[tuple[NDArray[np.float64], NDArray[Any], NDArray[np.intp]]]()
    for table in tables:
        if not table.rows:
            findings.add(table)
            continue
        encoded = model.encoded(table)
        findings.add(table, encoded)
        parts.append((model.predicted(table, encoded), model.head.truth(table), model.places(table)))
        unseen += model.unseen_groups(table)
        held += int(np.count_nonzero(~table.columns[model.by].missing))
    predicted, truth, places = (np.concatenate(each) for each in zip(*parts, strict=True))
    return GroupedEvaluation(predicted, truth, places, _together(unseen, held), findings)


def _together(windows: Sequence[UnseenGroups], held: int) -> tuple[UnseenGroups, ...]:
    """The rows of all windows; ``held`` rows have a group."""
    if not windows:
        return ()
    rows, texts = sum(each.rows for each in windows), {text for each in windows for text in each.texts}
    return (replace(windows[0], rows=rows, held=held, texts=tuple(sorted(texts))),)
