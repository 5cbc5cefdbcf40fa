"""Targets: the columns that one network predicts together, and their encoding as y (n,) or (n, k).

It takes a table and column names. ``target`` gives each column its meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.table.equal_values import are_zero_and_one
from backpass.table.messages import listed, shown
from backpass.table.notation.boolean import are_booleans
from backpass.table.table import Table
from backpass.table.target import Target, Task


@dataclass(frozen=True, slots=True)
class Targets:
    """The columns to predict.

    Attributes:
        each: The targets: a single one of any task, or several that all hold numbers or all have two classes.
    """

    each: tuple[Target, ...]

    @staticmethod
    def fit(table: Table, names: Sequence[str], task: str | None = None) -> Targets:
        """Infer the tasks from the columns, or check the requested one.

        Args:
            table: The table with the target columns.
            names: The names of the target columns.
            task: "regression", "classification", or None to infer it.

        Raises:
            DataError: A column cannot be a target.
            UsageError: The targets cannot be predicted together.

        >>> from backpass.table import table_from
        >>> table = table_from({"a": [1.5, 2.5, 3.5], "b": [3.0, 1.0, 2.0]})
        >>> Targets.fit(table, ["a", "b"]).encode(table).shape
        (3, 2)
        """
        targets = Targets(tuple(Target.fit(table, name, task) for name in names))
        if len(names) > 1 and (targets.task == "multiclass" or len({each.task for each in targets.each}) > 1):
            held = [f"{shown(each.name)} holds {each.content}" for each in targets.each]
            raise UsageError(
                f"several targets must all be numeric, or all have two classes: {listed(held)}",
                hint="fit one model per target, or targets of one kind together",
            )
        return targets

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(each.name for each in self.each)

    @property
    def is_flat(self) -> bool:
        """Whether there is a single target, so that y is (n,)."""
        return len(self.each) == 1

    @property
    def task(self) -> Task:
        """The task of every target."""
        return self.each[0].task

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a single target; empty for numbers and for several targets."""
        return self.each[0].classes if self.is_flat else ()

    def encode(self, table: Table) -> NDArray[Any]:
        """Return y: numbers or class codes (n,), or (n, k) for several targets.

        Raises:
            DataError: As ``Target.encode``.
        """
        columns = [each.encode(table) for each in self.each]
        return columns[0] if self.is_flat else np.column_stack(columns)

    def columns(self, y: NDArray[Any]) -> Iterator[tuple[Target, NDArray[Any]]]:
        """Yield each target with its values (n,)."""
        yield from zip(self.each, [y] if self.is_flat else y.T, strict=True)


def target_names(target: object) -> tuple[str, ...]:
    """The names in an argument ``target``: one name, or a list of names.

    Raises:
        UsageError: It is neither, or a name occurs twice.

    Columns named by whole numbers, as in pandas, have their digits as names.

    >>> target_names("price"), target_names(["price", "rent"]), target_names(3)
    (('price',), ('price', 'rent'), ('3',))
    """
    given = target if isinstance(target, list | tuple) else [target]
    if not given or not all(isinstance(name, str | Integral) and not isinstance(name, bool) for name in given):
        hint = ""
        if hasattr(target, "__len__") and not isinstance(target, tuple):
            hint = "put the values into the table; BackpassRegressor and BackpassClassifier take X and y separately"
        raise UsageError(
            f"target must be the name of a column, or a list of names; got a value of type {type(target).__name__}",
            hint=hint,
        )
    names = tuple(map(str, given))
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise UsageError(f"target names {listed(twice, shown)} twice", hint="name each column once")
    return names


def label_title(target: Target) -> str:
    """The title of the probability that a label is on, that is, of its second class.

    >>> label_title(Target("hot", "binary", ("0", "1"))), label_title(Target("status", "binary", ("early", "late")))
    ('p(hot)', 'p(status=late)')
    """
    is_switch = are_zero_and_one(target.classes) or are_booleans(target.classes)
    return f"p({target.name})" if is_switch else f"p({target.name}={target.classes[1]})"
