"""Writers of the tests: one table, written in every format by the program that is known for it."""

from __future__ import annotations

import datetime
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from struct import pack
from typing import Any

import pandas as pd
import pyarrow as pa


def frame() -> pd.DataFrame:
    """Twelve rows: numbers with a gap, categories with a gap, dates, moments, times and booleans."""
    rows = range(12)
    return pd.DataFrame(
        {
            "size": [None if j == 3 else round(0.1 * j - 1 / 3, 9) for j in rows],
            "rooms": [j % 5 for j in rows],
            "town": [None if j == 4 else ("Ålesund", "Bergen, old", 'so "called"')[j % 3] for j in rows],
            "sold": [datetime.date(2023, 12, 25) + datetime.timedelta(days=9 * j) for j in rows],
            "seen": [datetime.datetime(2024, 1, 31, 12, 30, 15) + datetime.timedelta(hours=37 * j) for j in rows],
            "at": [datetime.time(6 + j, 30) for j in rows],
            "new": [j % 2 == 0 for j in rows],
        }
    )


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with None for each gap."""
    return table.astype(object).where(table.notna(), None)


def csv_file(table: pd.DataFrame, path: Path) -> None:
    plain(table).to_csv(path, index=False)


def xlsx(table: pd.DataFrame, path: Path) -> None:
    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        table.to_excel(writer, index=False)


def openpyxl(table: pd.DataFrame, path: Path) -> None:
    table.to_excel(path, index=False, engine="openpyxl")


def ods(table: pd.DataFrame, path: Path) -> None:
    table.to_excel(path, index=False, engine="odf")


def xls(table: pd.DataFrame, path: Path) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    formats = {
        datetime.datetime: xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS"),
        datetime.date: xlwt.easyxf(num_format_str="YYYY-MM-DD"),
        datetime.time: xlwt.easyxf(num_format_str="HH:MM:SS"),
    }
    for j, name in enumerate(table):
        sheet.write(0, j, name)
        for i, value in enumerate(plain(table)[name], start=1):
            value = value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
            if value is not None:
                sheet.write(i, j, value, formats.get(type(value), xlwt.Style.default_style))
    book.save(str(path))


def record(kind: int, body: bytes = b"") -> bytes:
    """A record of an .xlsb part: its type and its length, 7 bits to a byte, then its body."""
    head = b""
    for number in (kind, len(body)):
        while True:
            low, number = number & 0x7F, number >> 7
            head += bytes([low | (0x80 if number else 0)])
            if not number:
                break
    return head + body


def wide(text: str) -> bytes:
    return pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb_cell(column: int, value: Any) -> bytes:
    place = pack("<II", column, 0)
    if isinstance(value, bool):
        return record(4, place + bytes([value]))
    if isinstance(value, int | float):
        return record(5, place + pack("<d", value))
    return record(6, place + wide(str(value)))


def xlsb(table: pd.DataFrame, path: Path) -> None:
    """No package writes .xlsb: the few records of a sheet, as [MS-XLSB] describes them. Dates and times are texts."""
    rows = [[*table], *plain(table).to_numpy().tolist()]
    cells = b""
    for i, row in enumerate(rows):
        cells += record(0, pack("<IIHHBI", i, 0, 300, 0, 0, 1) + pack("<II", 0, len(row) - 1))
        cells += b"".join(xlsb_cell(j, value) for j, value in enumerate(row) if value is not None)
    extent = pack("<IIII", 0, len(rows) - 1, 0, table.shape[1] - 1)
    sheet = record(129) + record(148, extent) + record(145) + cells + record(146) + record(130)
    bundle = record(156, pack("<II", 0, 1) + wide("rId1") + wide("Data"))
    book = record(131) + record(143) + bundle + record(144) + record(132)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.bin", book)
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="rId1" Type="{kind}/worksheet" '
            'Target="worksheets/sheet1.bin"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.bin", sheet)


def statistical(name: str, **options: Any) -> Callable[[pd.DataFrame, Path], None]:
    def write(table: pd.DataFrame, path: Path) -> None:
        import pyreadstat

        booleans = table.select_dtypes(bool).columns
        getattr(pyreadstat, name)(table.astype(dict.fromkeys(booleans, float)), str(path), **options)

    return write


def labeled(name: str) -> Callable[[pd.DataFrame, Path], None]:
    """A writer that has labels for booleans, as these formats have no booleans."""
    return statistical(name, variable_value_labels={"new": {0: "false", 1: "true"}})


def arrow_table(table: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(table, preserve_index=False)


def feather(table: pd.DataFrame, path: Path) -> None:
    table.to_feather(path)


def arrow_stream(table: pd.DataFrame, path: Path) -> None:
    content = arrow_table(table)
    with pa.ipc.new_stream(path, content.schema) as writer:
        writer.write_table(content, max_chunksize=5)


def orc(table: pd.DataFrame, path: Path) -> None:
    from pyarrow.orc import write_table

    write_table(arrow_table(table), path)


def parquet(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False)


AVRO: dict[type, Any] = {
    float: "double",
    int: "long",
    str: "string",
    bool: "boolean",
    datetime.date: {"type": "int", "logicalType": "date"},
    pd.Timestamp: {"type": "long", "logicalType": "local-timestamp-micros"},
    datetime.time: {"type": "int", "logicalType": "time-millis"},
}


def avro(table: pd.DataFrame, path: Path) -> None:
    import fastavro

    rows = plain(table).to_dict("records")
    types = {name: AVRO[type(plain(table)[name].dropna().iloc[0])] for name in table}
    fields = [{"name": name, "type": ["null", kind]} for name, kind in types.items()]
    schema = fastavro.parse_schema({"type": "record", "name": "row", "fields": fields})
    with path.open("wb") as out:
        fastavro.writer(out, schema, rows, codec="deflate")


def sqlite(table: pd.DataFrame, path: Path) -> None:
    texts = {name: table[name].map(str) for name in ("sold", "seen", "at") if name in table}
    with sqlite3.connect(path) as database:
        table.assign(**texts).to_sql("rows", database, index=False)
    database.close()


def duckdb_file(table: pd.DataFrame, path: Path) -> None:
    import duckdb

    with duckdb.connect(str(path)) as database:
        database.register("given", arrow_table(table))
        database.execute("CREATE TABLE rows AS SELECT * FROM given")


def arff(table: pd.DataFrame, path: Path) -> None:
    quote = "'{}'".format
    head = ["% written by the tests", "@relation rows", ""]
    for name, column in plain(table).items():
        levels = sorted({str(value) for value in column if value is not None})
        is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in column.dropna())
        head.append(f"@attribute {name} {'numeric' if is_number else '{' + ','.join(map(quote, levels)) + '}'}")

    def written(value: Any) -> str:
        return "?" if value is None else str(value) if type(value) in (int, float) else quote(value)

    rows = [",".join(map(written, row)) for row in plain(table).to_numpy().tolist()]
    path.write_text("\n".join([*head, "@data", *rows, ""]), encoding="utf-8")
