"""The reader of a model: data in any form -> a table with the columns that the model needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.model.head.head import Head
from backpass.model.profile import NumericProfile
from backpass.model.record import Record
from backpass.table import Schema, Table, read_table, table_from
from backpass.table.labeled import Labeled
from backpass.table.messages import listed, shown
from backpass.table.notation.boolean import ZERO_ONE


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Reads tables for a model.

    Attributes:
        schema: The columns of the model.
        kinds: The required kind of each column.
        targets: The target columns, to read rows with known targets; empty to read rows that are predicted.
        headerless: Column names by position in a file without a header, one tuple for each number of columns.
        positions: Column names by position in an array; empty if the model takes no arrays.
    """

    schema: Schema
    kinds: Mapping[str, str]
    targets: tuple[str, ...] = ()
    headerless: tuple[tuple[str, ...], ...] = ()
    positions: tuple[str, ...] = ()

    @staticmethod
    def of(schema: Schema, head: Head, record: Record, *, with_target: bool) -> Reader:
        """The reader of a model of all rows.

        Args:
            schema: The columns.
            head: The targets.
            record: The record of the fit.
            with_target: Whether to read the targets too, with the columns of weights, groups and times.
        """
        targets = {each.target.name: each.target.required_kind for each in head.targets}
        profiles = record.columns.items()
        binary = {name for name, each in profiles if isinstance(each, NumericProfile) and each.is_zero_one}
        kinds: dict[str, str] = {
            name: ZERO_ONE if kind == "numeric" and name in binary else kind for name, kind in schema.kinds.items()
        }
        if with_target:
            weight: dict[str, str] = {record.weight: "numeric"} if record.weight else {}
            kinds = {**record.split_columns, **kinds, **targets, **weight}
        names = schema.headerless
        headerless = (names, tuple(name for name in names if name not in targets)) if names else ()
        positions = tuple(feature.name for feature in schema.features)
        return Reader(schema, kinds, tuple(targets) if with_target else (), headerless, positions)

    def table(self, data: Any, *, strict: bool = False, **reading: Any) -> Table:
        """The table. Rows without a target are left out, with a note.

        Args:
            data: A path, a data frame, a dict of columns, an array (n, d) or a Table.
            strict: Whether a row without a target raises an error.
            **reading: Options of ``read_table`` or ``table_from``.

        Raises:
            DataError: Lists every column that is missing or of another kind.
        """
        table = data if isinstance(data, Table) else self._read(data, **reading)
        return Labeled.of(table, self.targets, strict=strict).table

    def _read(self, data: Any, **reading: Any) -> Table:
        known: dict[str, Any] = {"missing": self.schema.missing}
        if isinstance(data, str | Path):
            known |= {"headerless": self.headerless, "keep_rows": not self.targets}
            return read_table(data, kinds=self.kinds, **{**known, **reading})
        if isinstance(data, np.ndarray) and data.dtype.names is None and self.positions:
            data = self._columns_of(data)
        return table_from(data, kinds=self.kinds, **{**known, **reading})

    def _columns_of(self, X: NDArray[Any]) -> dict[str, Any]:
        """The columns of an array (n, d), by the model's names.

        Raises:
            DataError: The array has another shape.
        """
        names = self.positions
        if X.ndim != 2 or X.shape[1] != len(names):
            raise DataError(
                f"an array of rows for this model has shape (n, {len(names)}); got {X.shape}",
                hint=f"its columns are, in this order: {listed(names, shown)}",
            )
        columns = X.T.tolist() if X.dtype.kind in "OU" else X.T
        return dict(zip(names, columns, strict=True))
