"""The table room: files and data frames -> columns -> numbers, fitted on the training rows only.

    table = read_table("houses.csv")                       or table_from(frame)
    target = Target.fit(table, "price")
    schema = Schema.fit(table.take(training_rows), "price")
    schema.encode(table)  ->  numbers float64 (n, p), codes int32 (n, q)
    target.encode(table)  ->  y (n,)

Reading order: table, reading, opening, signatures, layout, records, headerless, orange, delimited, scan, parquet,
kinds, judging, missing, boolean, number, moment, day_month, calendar, frame, schema, feature, parts, target.
"""

from backpass.table.feature import Feature, MomentFeature, NumberFeature, NumberInput, TextFeature
from backpass.table.frame import table_from
from backpass.table.missing import DEFAULT_MISSING
from backpass.table.reading import read_table
from backpass.table.schema import Encoded, Schema
from backpass.table.table import Column, MomentColumn, NumberColumn, Table, TextColumn, demand_of
from backpass.table.target import Target

__all__ = [
    "DEFAULT_MISSING",
    "Column",
    "Encoded",
    "Feature",
    "MomentColumn",
    "MomentFeature",
    "NumberColumn",
    "NumberFeature",
    "NumberInput",
    "Schema",
    "Table",
    "Target",
    "TextColumn",
    "TextFeature",
    "demand_of",
    "read_table",
    "table_from",
]
