"""Groups: which group each row belongs to, and which rows of a group are held out.

It takes the column of groups and returns keys: the texts that name groups in messages, in files and in
``model[key]``. The held-out rows of a group follow from the seed and the number of its rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.model.split.units import check_groups
from backpass.numerics.philox import permutation
from backpass.table import CategoricalColumn, Column, DatetimeColumn
from backpass.table.messages import counted, listed, shown
from backpass.table.notation.number import number_in
from backpass.table.unseen import Unseen

_PURPOSE = 0x5EED_0021

Rows = NDArray[np.int64]


def keys_of(column: Column) -> NDArray[Any]:
    """The key of each row's group (n,); "" where it is missing.

    Raises:
        DataError: The column holds dates or times.

    >>> from backpass.table import table_from
    >>> keys_of(table_from({"store": [7, 8, None]}).columns["store"]).tolist()
    ['7', '8', '']
    """
    if isinstance(column, DatetimeColumn):
        raise DataError(
            f"the group column {shown(column.name)} holds a {column.kind} in each row",
            hint="name a column of strings or whole numbers; for a group per month, add a column of months",
        )
    if isinstance(column, CategoricalColumn):
        return np.array(["", *column.levels], dtype=object)[column.codes]
    distinct, places = np.unique(column.values, return_inverse=True)
    texts = np.array([_text_of(value) for value in distinct.tolist()], dtype=object)
    return np.asarray(texts[places.reshape(-1)], dtype=object)


def _text_of(value: float) -> str:
    """The text of a number: a whole one without a fraction, "" for a missing one."""
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() else repr(value)


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The rows of each group.

    Attributes:
        keys: The key of each group, sorted.
        rows: The rows of each group, ascending.
        missing: The rows without a group.
    """

    keys: tuple[str, ...]
    rows: tuple[Rows, ...]
    missing: Rows

    @staticmethod
    def of(column: Column) -> Groups:
        """The groups in a column.

        Raises:
            DataError: The column holds dates or times, or whole numbers that are not told apart.
        """
        check_groups(column)
        distinct, places = np.unique(keys_of(column), return_inverse=True)
        order = np.argsort(places.reshape(-1), kind="stable")
        counts = np.bincount(places.reshape(-1), minlength=len(distinct))
        by_key = dict(zip(distinct.tolist(), np.split(order, np.cumsum(counts)[:-1]), strict=True))
        missing = by_key.pop("", np.zeros(0, dtype=np.int64))
        return Groups(tuple(by_key), tuple(by_key.values()), missing)

    def at_least(self, rows: int) -> Groups:
        """The groups with so many rows; the rows of the others count as rows without a group."""
        large = [i for i, each in enumerate(self.rows) if len(each) >= rows]
        small = [each for each in self.rows if len(each) < rows]
        missing = np.sort(np.concatenate([self.missing, *small])).astype(np.int64)
        return Groups(tuple(self.keys[i] for i in large), tuple(self.rows[i] for i in large), missing)

    def held_out(self, share: float, seed: int) -> tuple[list[Rows], list[Rows]]:
        """The training rows and the test rows of each group, ascending; a random share of its rows are test rows."""
        train, test = [], []
        for rows in self.rows:
            is_test = np.zeros(len(rows), dtype=np.bool_)
            is_test[permutation(seed, 0, _PURPOSE, len(rows))[: int(share * len(rows))]] = True
            train.append(rows[~is_test])
            test.append(rows[is_test])
        return train, test


def places_in(keys: Sequence[str], column: Column, *, are_numbers: bool = False) -> NDArray[np.intp]:
    """The number of each row's group among these keys (n,); -1 for another one, or none.

    Args:
        keys: The keys.
        column: The column of groups.
        are_numbers: Whether the keys are numbers: then the texts "12" and "12.0" are the key "12".
    """
    known: Mapping[str, int] = {key: i for i, key in enumerate(keys)}
    distinct, places = np.unique(keys_of(column), return_inverse=True)
    texts = [_number_key(key) if are_numbers else key for key in distinct.tolist()]
    return np.array([known.get(key, -1) for key in texts], dtype=np.intp)[places.reshape(-1)]


def _number_key(text: str) -> str:
    """The key of the number that a text spells, or else the text."""
    number = number_in(text)
    return text if number is None else _text_of(number)


@dataclass(frozen=True, slots=True)
class UnseenGroups(Unseen):
    """Rows of groups that have no network of their own; ``known`` are those that have one."""

    @staticmethod
    def of(column: Column, places: NDArray[np.intp], keys: Sequence[str]) -> tuple[UnseenGroups, ...]:
        """The rows of a column of groups whose place among the keys is -1; none if all others have no value."""
        found = keys_of(column)[places < 0]
        found = found[found != ""]
        held = int(np.count_nonzero(~column.missing))
        texts = tuple(np.unique(found).tolist())
        return (UnseenGroups(column.name, len(found), held, texts, tuple(keys)),) if len(found) else ()

    @property
    def is_nearly_all(self) -> bool:
        """False: another group does not indicate other codes."""
        return False

    @property
    def is_many(self) -> bool:
        """True: each such row is predicted by another network than rows of its group should be."""
        return True

    @property
    def note(self) -> str:
        """The note on these rows, and on rows without a value."""
        return unseen_note(self.name)

    @property
    def error(self) -> str:
        """The error if such rows are rejected."""
        rows, groups = counted(self.rows, "row"), counted(len(self.texts), "group")
        return f"column {shown(self.name)}: {rows} of {groups} without a network: {listed(self.texts, shown)}"

    @property
    def hint(self) -> str:
        """What to do about that error."""
        return "without --strict the network of all rows predicts them"


def unseen_note(by: str) -> str:
    """The note on rows without a network of their own, by the name of the column of groups."""
    return f"rows whose {shown(by)} has no network of its own, or is missing: predicted by the network of all rows"
