"""Tables: read files and data frames into columns, and encode columns as arrays, fitted on the training rows only.

    table = read_table("houses.csv")                       or table_from(frame)
    target = Target.fit(table, "price")
    schema = Schema.fit(table.take(training_rows), "price")
    schema.encode(table)  ->  numbers float64 (n, p), codes int32 (n, q)
    target.encode(table)  ->  y (n,)

Inner rooms: ``files`` (from a path to a plain file), ``delimited`` with ``layout`` and ``scan`` (CSV and TSV),
``formats`` (every other format), ``presentation`` (how values are shown), ``notation`` and ``datetimes`` (what strings
mean), ``columns`` (what columns hold), ``diagnosis`` (what deserves a look before training).

Reading order: table, reading, columns.kinds, frame, schema, feature, target.
"""

from typing import TYPE_CHECKING

from backpass.first_use import imported_on_first_use

if TYPE_CHECKING:
    from backpass.table.feature import (
        CategoricalFeature,
        DatetimeFeature,
        Feature,
        NumberInput,
        NumericFeature,
        TextFeature,
    )
    from backpass.table.frame import table_from
    from backpass.table.notation.missing import DEFAULT_MISSING
    from backpass.table.reading import read_table
    from backpass.table.schema import Encoded, Schema
    from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn, Table, required_kind
    from backpass.table.target import Target

_HOMES = {
    "CategoricalColumn": "backpass.table.table",
    "CategoricalFeature": "backpass.table.feature",
    "Column": "backpass.table.table",
    "DEFAULT_MISSING": "backpass.table.notation.missing",
    "DatetimeColumn": "backpass.table.table",
    "DatetimeFeature": "backpass.table.feature",
    "Encoded": "backpass.table.schema",
    "Feature": "backpass.table.feature",
    "NumberInput": "backpass.table.feature",
    "NumericColumn": "backpass.table.table",
    "NumericFeature": "backpass.table.feature",
    "Schema": "backpass.table.schema",
    "Table": "backpass.table.table",
    "Target": "backpass.table.target",
    "TextFeature": "backpass.table.feature",
    "read_table": "backpass.table.reading",
    "required_kind": "backpass.table.table",
    "table_from": "backpass.table.frame",
}

__all__ = [
    "DEFAULT_MISSING",
    "CategoricalColumn",
    "CategoricalFeature",
    "Column",
    "DatetimeColumn",
    "DatetimeFeature",
    "Encoded",
    "Feature",
    "NumberInput",
    "NumericColumn",
    "NumericFeature",
    "Schema",
    "Table",
    "Target",
    "TextFeature",
    "read_table",
    "required_kind",
    "table_from",
]

__getattr__ = imported_on_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
