"""Encoded rows: from the rows of each split to the arrays that the network and its loss take.

Tables that nobody else reads lose their columns to the inputs of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.fitting.problem.data_split import DataSplit, Pool, Rows
from backpass.model.fitting.problem.problem import Problem
from backpass.model.prediction.forward import CHUNK, inputs_of
from backpass.network.activity import InputRows
from backpass.table import Schema
from backpass.table.columns.number_columns import NumberColumns
from backpass.table.columns.slabs import slabs_of


@dataclass(frozen=True, slots=True, eq=False)
class EncodedRows:
    """Rows of a split, encoded; see ``Encoded``.

    Attributes:
        numbers: The numbers (n, p), computed where they are read.
        codes: The codes (n, q).
    """

    numbers: NumberColumns
    codes: NDArray[np.int32]


def encodings_of(schema: Schema, rows: Mapping[str, Rows]) -> dict[str, EncodedRows]:
    """The encoded rows of each split. Splits of one table share what is computed once for it."""
    known: dict[int, NumberColumns] = {}
    for each in rows.values():
        if id(each.whole) not in known:
            known[id(each.whole)] = schema.number_columns(each.whole)
    return {
        name: EncodedRows(known[id(each.whole)].take(each.index), schema.codes(each.whole, each.index)[0])
        for name, each in rows.items()
    }


def splits_of(
    problem: Problem, rows: Mapping[str, Rows], encodings: Mapping[str, EncodedRows], *, owned: bool = False
) -> dict[str, DataSplit]:
    """The splits as ranges of one pool of rows; of several, if some have weights or a teacher and others have none.

    If the tables are ``owned``, they lose their columns, see ``make_problem``.
    """
    alike: dict[tuple[bool, bool], list[str]] = {}
    for name, each in rows.items():
        alike.setdefault((each.weights is None, each.teacher is None), []).append(name)
    found: dict[str, DataSplit] = {}
    for names in alike.values():
        pool = _pool(problem, [rows[name] for name in names], [encodings[name] for name in names], owned=owned)
        ends = np.cumsum([len(rows[name]) for name in names]).tolist()
        found |= {
            name: DataSplit(pool, slice(first, last))
            for name, first, last in zip(names, [0, *ends], ends, strict=False)
        }
    return {name: found[name] for name in rows}


def _pool(problem: Problem, rows: Sequence[Rows], encodings: Sequence[EncodedRows], *, owned: bool) -> Pool:
    """The rows of several splits, one after another."""
    x = _inputs(problem, encodings, owned=owned)
    truth = np.concatenate([each.truth for each in rows])
    problem.head.check(truth)  # the head was fitted on the training rows only
    y = np.concatenate([problem.head.encode(each.truth, problem.dtype) for each in rows])
    weights = [each.weights for each in rows if each.weights is not None]
    teachers = [each.teacher for each in rows if each.teacher is not None]
    return Pool(
        x, y, truth, np.concatenate(weights) if weights else None, np.concatenate(teachers) if teachers else None
    )


def _inputs(problem: Problem, encodings: Sequence[EncodedRows], *, owned: bool) -> NDArray[Any]:
    """The network inputs of several splits, one after another: (n, d)"""
    numbers = [each.numbers for each in encodings]
    begins = np.cumsum([0, *map(len, numbers)]).tolist()
    x = np.empty((begins[-1], problem.feature_map.width), problem.dtype)
    for which, first, block in slabs_of(numbers, CHUNK) if owned else _whole(numbers):
        codes = encodings[which].codes[first : first + len(block)]
        out = x[begins[which] + first :][: len(block)]
        inputs_of(problem.feature_map, block, codes, problem.dtype, problem.engine, out=out)
    return x


def _whole(several: Sequence[NumberColumns]) -> Iterator[tuple[int, int, InputRows]]:
    """Yield what ``slabs_of`` does, from tables that stay: each set of rows as a whole."""
    for number, each in enumerate(several):
        yield number, 0, each


def part_of(problem: Problem, rows: Rows) -> DataSplit:
    """Rows as the arrays that a problem's network and loss take."""
    return splits_of(problem, {"": rows}, encodings_of(problem.schema, {"": rows}))[""]
