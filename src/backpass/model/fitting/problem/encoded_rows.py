"""Encoded rows: from the rows of each split to the arrays that the network and its loss take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backpass.model.fitting.problem.data_split import DataSplit, Pool, Rows
from backpass.model.fitting.problem.problem import Problem
from backpass.model.prediction.forward import inputs_of
from backpass.table import Schema
from backpass.table.columns.number_columns import NumberColumns


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


def splits_of(problem: Problem, rows: Mapping[str, Rows], encodings: Mapping[str, EncodedRows]) -> dict[str, DataSplit]:
    """The splits as ranges of one pool of rows; of several, if some have weights or a teacher and others have none."""
    alike: dict[tuple[bool, bool], list[str]] = {}
    for name, each in rows.items():
        alike.setdefault((each.weights is None, each.teacher is None), []).append(name)
    found: dict[str, DataSplit] = {}
    for names in alike.values():
        pool = _pool(problem, [rows[name] for name in names], [encodings[name] for name in names])
        ends = np.cumsum([len(rows[name]) for name in names]).tolist()
        found |= {
            name: DataSplit(pool, slice(first, last))
            for name, first, last in zip(names, [0, *ends], ends, strict=False)
        }
    return {name: found[name] for name in rows}


def _pool(problem: Problem, rows: Sequence[Rows], encodings: Sequence[EncodedRows]) -> Pool:
    """The rows of several splits, one after another."""
    head, dtype = problem.head, problem.dtype
    x, first = np.empty((sum(map(len, rows)), problem.feature_map.width), dtype), 0
    for each, encoded in zip(rows, encodings, strict=True):
        out = x[first : first + len(each)]
        inputs_of(problem.feature_map, encoded.numbers, encoded.codes, dtype, problem.engine, out=out)
        first += len(each)
    y = np.concatenate([head.encode(each.truth, dtype) for each in rows])
    truth = np.concatenate([each.truth for each in rows])
    weights = [each.weights for each in rows if each.weights is not None]
    teachers = [each.teacher for each in rows if each.teacher is not None]
    return Pool(
        x, y, truth, np.concatenate(weights) if weights else None, np.concatenate(teachers) if teachers else None
    )


def part_of(problem: Problem, rows: Rows) -> DataSplit:
    """Rows as the arrays that a problem's network and loss take."""
    return splits_of(problem, {"": rows}, encodings_of(problem.schema, {"": rows}))[""]
