"""Tables: a folder of Parquet files as cases, each table split into rows that train, validate and test.

The folder holds ``manifest.json``, ``manifest2.json`` or both: lists of tables with "name", "task" and "target", and,
where they differ from the defaults, "file" (NAME.parquet) and "split" ("random", "group:COLUMN" or "time:COLUMN").

64% of the rows train, 16% validate, 20% test; split s of a table is

- random: rows in the order of numpy.random.default_rng(1000 + s).permutation(n);
- of groups: whole groups, in the order of numpy.random.default_rng(1000 + s).permutation(groups);
- in time: the latest rows test and those before them validate; the latest s tenths of the table are left out first
  (rolling origin), and no instant is divided.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from contenders import Case
from numpy.typing import NDArray

from backpass.model.split.units import Units

DROPPED = ("official_split", "block_id")
SHARES = (0.64, 0.8)
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Entry:
    """A table of the folder.

    Attributes:
        name: The name of the table.
        path: Its Parquet file.
        target: The column to predict.
        is_number: Whether the target is a number.
        rows: The number of rows, 0 if the manifest does not say.
        ruler: What splits the rows: "", "group" or "time".
        column: The group or time column; "" for random splits.
    """

    name: str
    path: Path
    target: str
    is_number: bool
    rows: int = 0
    ruler: str = ""
    column: str = ""


@dataclass(frozen=True)
class TestRows:
    """Rows that only score: columns without the target, targets, and the unit of each row that a bootstrap draws.

    Units have the same numbers in all splits of a table: a row, a group, or a block of time.
    """

    X: Any
    y: NDArray[Any]
    unit: Rows


def entries(folder: Path) -> list[Entry]:
    """The tables of a folder, small ones first."""
    found = []
    for name in ("manifest.json", "manifest2.json"):
        path = folder / name
        for each in json.loads(path.read_text("utf-8")) if path.exists() else []:
            ruler, _, column = each.get("split", "random").partition(":")
            found.append(
                Entry(
                    each["name"],
                    folder / each.get("file", f"{each['name']}.parquet"),
                    each["target"],
                    each["task"] == "regression",
                    each.get("rows", 0),
                    "" if ruler == "random" else ruler,
                    column,
                )
            )
    if not found:
        raise SystemExit(f"{folder}: no manifest.json or manifest2.json")
    return sorted(found, key=lambda entry: entry.rows)


def split(entry: Entry, seed: int, threads: int) -> tuple[Case, TestRows]:
    """The training and validation rows of a split as a case, and its test rows."""
    import pandas

    frame = pandas.read_parquet(entry.path)
    y = frame[entry.target]
    X = frame.drop(columns=[entry.target, *(name for name in DROPPED if name in frame)])
    for column in X.columns:
        if X[column].dtype.kind in "iufb":
            X[column] = X[column].astype(float)
    if entry.ruler == "time" and X[entry.column].dtype.kind not in "fM":
        X[entry.column] = pandas.to_datetime(X[entry.column]).astype("datetime64[us]")
    classes: tuple[str, ...] = ()
    targets = y.to_numpy()
    if not entry.is_number:
        texts = y.astype(str).to_numpy()
        classes = tuple(sorted(set(texts)))
        targets = np.searchsorted(np.array(classes), texts.astype(str))
    codes = pandas.factorize(X[entry.column], sort=True)[0] if entry.ruler else np.arange(len(X))
    train, valid, test = rows_of(entry.ruler, codes, seed)
    cut = [X.iloc[index].reset_index(drop=True) for index in (train, valid, test)]
    case = Case(cut[0], targets[train], cut[1], targets[valid], classes, seed, threads, entry.ruler, entry.column)
    return case, TestRows(cut[2], targets[test], units_of(entry.ruler, codes)[test])


def rows_of(ruler: str, codes: Rows, seed: int) -> tuple[Rows, Rows, Rows]:
    """The rows that train, validate and test.

    Args:
        ruler: What splits the rows.
        codes: The row, the group or the rank in time of each row, from 0: (n,).
        seed: The number of the split.

    >>> [rows.tolist() for rows in rows_of("time", np.arange(10) // 2, 0)]
    [[0, 1, 2, 3, 4, 5], [6, 7], [8, 9]]
    """
    if ruler == "time":
        kept = np.sort(codes)[: round(len(codes) * (1.0 - 0.1 * seed))]
        starts = [kept[int(share * len(kept))] for share in SHARES]
        found = np.where(codes > kept[-1], -1, (codes >= starts[0]).astype(int) + (codes >= starts[1]))
        train, valid, test = (np.flatnonzero(found == part) for part in range(3))
        return train, valid, test
    order = np.random.default_rng(1000 + seed).permutation(codes.max() + 1)
    if ruler == "group":
        place = np.argsort(order)[codes]
        order = np.argsort(place, kind="stable")
        starts = [int(np.searchsorted(place[order], place[order[int(share * len(codes))]])) for share in SHARES]
    else:
        starts = [int(share * len(codes)) for share in SHARES]
    first, second = starts
    return order[:first], order[first:second], order[second:]


def units_of(ruler: str, codes: Rows) -> Rows:
    """The unit of each row that a bootstrap draws as a whole, as ``fit`` and ``evaluate`` draw them: (n,)"""
    if ruler != "time":
        return codes
    blocks = Units(np.arange(len(codes)), ranks=codes).resampled
    assert blocks is not None
    return blocks
