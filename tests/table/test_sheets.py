"""Sheets of workbooks: which one is read, where the table is in it, and what the cells mean."""

from __future__ import annotations

import datetime
import gzip
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import xlsxwriter

from backpass.errors import DataError
from backpass.table import DatetimeColumn, NumericColumn, read_table
from sample_tables import numbers

ROWS = [["x", "y"], [1, 2.5], [3, 4]]


def workbook(path: Path, sheets: dict[str, list[list[Any]]], **change: Callable[[Any], None]) -> Path:
    """Write sheets with openpyxl; ``change`` alters a sheet by its name."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        change.get(name, lambda sheet: None)(sheet)
    book.save(path)
    return path


def fault(path: Path, **settings: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        read_table(path, **settings)
    return caught.value


def test_several_tables_are_listed_and_none_is_guessed(tmp_path: Path) -> None:
    sheets = {"2023": ROWS, "2024": [["x", "y"], [9, 9], [8, 8], [7, 7]], "Notes": [["seen by Ada"]]}
    path = workbook(tmp_path / "t.xlsx", sheets)
    error = fault(path)
    assert (
        "has 2 sheets with tables: '2023' (3 x 2 cells), '2024' (4 x 2 cells), 'Notes' (1 x 1 cells)" in error.message
    )
    assert error.hint == "--sheet '2024'"  # the largest
    assert numbers(read_table(path, sheet="2024"), "x") == [9, 8, 7]
    assert numbers(read_table(path, sheet=1), "x") == [1, 3]
    assert numbers(read_table(f"{path}::2024"), "x") == [9, 8, 7]
    # The sheet that the path names counts for its file, before the setting for all of them.
    assert numbers(read_table(f"{path}::2024", sheet="2023"), "x") == [9, 8, 7]
    missing = fault(path, sheet="2025")
    assert "there is no sheet '2025'" in missing.message
    assert "'2023' (3 x 2 cells)" in missing.hint
    assert "there is no sheet '4'" in fault(path, sheet=4).message


def test_a_single_table_is_read_with_a_note(tmp_path: Path) -> None:
    def hide(sheet: Any) -> None:
        sheet.sheet_state = "hidden"

    sheets = {"About": [["a title"]], "Data": ROWS, "Lists": ROWS, "Empty": []}
    path = workbook(tmp_path / "t.xlsx", sheets, Lists=hide)
    table = read_table(path)
    assert numbers(table, "x") == [1, 3]
    note = "sheet 'Data' is read; hidden sheets and those without a table are not: 'About', 'Lists', 'Empty'"
    assert table.notes == (note,)
    assert table.of_source == (note,)
    assert numbers(read_table(path, sheet="Lists"), "x") == [1, 3]
    assert "sheet 'Empty' is empty" in fault(path, sheet="Empty").message


def test_a_table_may_stand_anywhere_in_its_sheet(tmp_path: Path) -> None:
    def move(sheet: Any) -> None:
        sheet.move_range("A1:B3", rows=4, cols=2)
        sheet["H20"].font = openpyxl.styles.Font(bold=True)  # a cell with a format and no value
        sheet["A1"] = ""

    path = workbook(tmp_path / "t.xlsx", {"Data": ROWS}, Data=move)
    table = read_table(path)
    assert table.names == ("x", "y")
    assert (numbers(table, "x"), numbers(table, "y")) == ([1, 3], [2.5, 4])


def test_options_of_text_files_hold_for_sheets(tmp_path: Path) -> None:
    rows = [["Report 2024", None], ["made by hand", None], ["x", "y"], [1, 2], [3, 4]]
    path = workbook(tmp_path / "t.xlsx", {"Data": rows})
    assert numbers(read_table(path, skip=2), "x") == [1, 3]
    path = workbook(tmp_path / "n.xlsx", {"Data": [[1, 2], [3, 4]]})
    assert read_table(path, no_header=True).names == ("column1", "column2")
    assert read_table(path, names=["a", "b"]).names == ("a", "b")
    texts = [["x", "y"], ["-", 1], [7, 2], [8, 3]]
    assert numbers(read_table(workbook(tmp_path / "m.xlsx", {"Data": texts}), missing=["-"]), "x")[1:] == [7, 8]


def test_merged_cells_have_the_value_in_each_row(tmp_path: Path) -> None:
    def merge(sheet: Any) -> None:
        sheet.merge_cells("A2:A4")
        sheet.merge_cells("A5:B6")

    rows = [["town", "z", "x"], ["Oslo", "p", 1], [None, "q", 2], [None, "p", 3], ["Bergen", None, 4], [None, None, 5]]
    table = read_table(workbook(tmp_path / "t.xlsx", {"Data": rows}, Data=merge))
    town, z = table.column("town"), table.column("z")
    assert [town.levels[code - 1] for code in town.codes] == ["Oslo"] * 3 + ["Bergen"] * 2
    assert z.codes.tolist()[3:] == [0, 0]  # merged sideways: only the first column has the value
    assert "3 merged cells filled with the value of the cell above" in table.notes


def test_dates_times_durations_and_booleans(tmp_path: Path) -> None:
    rows = [
        ["day", "seen", "at", "took", "new"],
        [datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12), datetime.time(23, 59), 1.5, True],
        [datetime.date(1999, 12, 31), datetime.datetime(2024, 3, 1), datetime.time(0, 1), 0.25, False],
    ]

    def formats(sheet: Any) -> None:
        for row in (2, 3):
            sheet.cell(row, 4).number_format = "[h]:mm:ss"

    table = read_table(workbook(tmp_path / "t.xlsx", {"Data": rows}, Data=formats))
    kinds = {column.name: column.kind for column in table.columns.values()}
    assert kinds == {"day": "date", "seen": "date", "at": "time", "took": "numeric", "new": "categorical"}
    assert numbers(table, "took") == [1.5 * 86_400, 0.25 * 86_400]
    assert "cells with durations are read as numbers of seconds" in table.notes
    assert table.column("new").levels == ("false", "true")


def percent(path: Path, others: int = 0) -> Path:
    def formats(sheet: Any) -> None:
        for row in range(2, 6 - others):
            sheet.cell(row, 1).number_format = "0.0%"
            sheet.cell(row, 2).number_format = '0" % of all"'  # no percentage: the sign is quoted

    return workbook(path, {"Data": [["p", "q"], [0.125, 5], [0.07, 6], [0.5, 7], [1, 8]]}, Data=formats)


def test_percentages_are_those_of_a_csv_file(tmp_path: Path) -> None:
    table = read_table(percent(tmp_path / "t.xlsx"))
    (tmp_path / "t.csv").write_text("p,q\n12.5%,5\n7%,6\n50%,7\n100%,8\n")
    assert table == read_table(tmp_path / "t.csv")
    column = table.column("p")
    assert isinstance(column, NumericColumn)
    assert column.is_percent
    # A column that is only partly displayed so has the values that are stored.
    mixed = read_table(percent(tmp_path / "m.xlsx", others=1))
    assert numbers(mixed, "p") == [0.125, 0.07, 0.5, 1]


def test_a_model_of_percentages_is_not_given_fractions(tmp_path: Path) -> None:
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for row, value in enumerate(["p", 0.125, 0.5]):
        sheet.write(row, 0, value)
        sheet.write(row, 1, row or "q")
    book.save(str(tmp_path / "t.xls"))
    assert numbers(read_table(tmp_path / "t.xls"), "p") == [0.125, 0.5]
    error = fault(tmp_path / "t.xls", kinds={"p": "percent"})
    assert "the model has percentages such as 12.5%, this format has 0.125 for them" in str(error)
    assert read_table(tmp_path / "t.xls", kinds={"q": "numeric"}).names == ("q",)


def test_errors_and_formulas_without_a_value_are_missing_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Data")
        for j, name in enumerate(["x", "double", "ratio", "text"]):
            sheet.write(0, j, name)
        for row in range(1, 5):
            sheet.write(row, 0, row)
            sheet.write_formula(row, 1, f"=2*A{row + 1}", None, 2 * row if row != 2 else "")
            sheet.write_formula(row, 2, f"=1/A{row + 1}", None, "#DIV/0!" if row == 3 else 1 / row)
            sheet.write_formula(row, 3, '=IF(A1="x","","b")', None, "b" if row < 3 else "")
    table = read_table(path)
    np.testing.assert_array_equal(numbers(table, "double"), [2, np.nan, 6, 8])
    np.testing.assert_array_equal(numbers(table, "ratio"), [1, 0.5, np.nan, 0.25])
    assert "1 cell with an error such as #DIV/0!: read as missing" in table.notes
    path = workbook(tmp_path / "o.xlsx", {"Data": [["x", "y", "z"], [1, "=A2", 2], [2, "=A3", 5], [3, "=A4", 7]]})
    uncached = read_table(path)
    assert np.isnan(numbers(uncached, "y")).all()
    assert any("3 formulas without a stored value: read as missing" in note for note in uncached.notes)


def test_numbers_have_all_their_digits(tmp_path: Path) -> None:
    values = [1e-300, 123456789.1234567, 0.1, 1e300, -7.0]
    table = read_table(workbook(tmp_path / "t.xlsx", {"Data": [["x", "y"], *([v, j] for j, v in enumerate(values))]}))
    assert numbers(table, "x") == values
    codes = [["id", "y"], ["00123", 1], ["04567", 2]]
    assert read_table(workbook(tmp_path / "c.xlsx", {"Data": codes})).column("id").kind == "categorical"


def test_cells_with_line_ends_quotes_and_commas(tmp_path: Path) -> None:
    rows = [["price\n(EUR)", "note"], [1, 'a "b"'], [2, "c,d"], [3, "e\nf"]]
    table = read_table(workbook(tmp_path / "t.xlsx", {"Data": rows}))
    assert table.names == ("price\n(EUR)", "note")
    assert table.column("note").levels == ('a "b"', "c,d", "e\nf")


def test_a_workbook_that_expands_too_much_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"Data": ROWS})
    error = fault(path, max_bytes=1000)
    assert "bytes expand to more than 1,000" in error.message
    assert "--max-bytes 10000" in error.hint
    assert read_table(path, max_bytes=1_000_000).rows == 2


def test_workbooks_that_are_encrypted_or_damaged(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    path = tmp_path / "t.xlsx"
    path.write_bytes(ole + "EncryptedPackage".encode("utf-16-le") + bytes(1000))
    assert fault(path).message.endswith("t.xlsx: is encrypted with a password")
    path.write_bytes(ole)
    assert "t.xlsx: is a damaged workbook, or not a workbook" in fault(path).message
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook>")
    assert "is a damaged workbook" in fault(path).message
    content = bytearray(workbook(path, {"Data": ROWS}).read_bytes())
    place = content.index(b"xl/worksheets/sheet1.xml") + 40
    content[place : place + 20] = bytes(20)
    path.write_bytes(content)
    assert "is a damaged zip archive" in fault(path).message


def test_a_workbook_may_come_through_a_pipe_or_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(tmp_path / "t.xlsx", {"Data": ROWS}).read_bytes()
    expected = read_table(tmp_path / "t.xlsx")
    (tmp_path / "t.xlsx.gz").write_bytes(gzip.compress(content))
    assert read_table(tmp_path / "t.xlsx.gz") == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_table("-") == expected


def test_workbooks_and_text_files_join(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", {"Data": ROWS})
    (tmp_path / "b.csv").write_text("x;y\n5;6\n")
    table = read_table(tmp_path / "[ab].*")
    assert numbers(table, "x") == [1, 3, 5]


def test_a_binary_workbook_of_a_writer() -> None:
    """``orders.xlsb`` was written with pyxlsbwriter 0.1.0, in two sheets of 13 and 2 rows."""
    path = Path(__file__).parent / "orders.xlsb"
    table = read_table(path, sheet="Orders")
    kinds = {"town": "categorical", "units": "numeric", "price": "numeric", "shipped": "date", "flag": "categorical"}
    assert {name: column.kind for name, column in table.columns.items()} == kinds
    price = table.column("price")
    assert isinstance(price, NumericColumn)
    assert price.values.tolist() == [1.25 * n for n in range(12)]
    assert np.flatnonzero(table.column("shipped").missing).tolist() == [0, 5, 10]
    assert read_table(path).columns == table.columns  # 'Notes' has one column


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("beside", [[["Notes"], ["by Ada"], ["2nd version"]], [["town"], ["north"], ["south"]]])
def test_a_list_or_a_text_beside_a_table_is_no_table(tmp_path: Path, beside: list[list[Any]], first: bool) -> None:
    sheets = {"Sheet1": beside, "Data": ROWS} if first else {"Data": ROWS, "Sheet1": beside}
    path = workbook(tmp_path / "t.xlsx", sheets)
    table = read_table(path)
    assert numbers(table, "x") == [1, 3]
    assert table.notes == ("sheet 'Data' is read; hidden sheets and those without a table are not: 'Sheet1'",)
    alone = workbook(tmp_path / "u.xlsx", {"A": beside, "B": beside})
    assert "2 sheets with tables" in fault(alone).message


@pytest.mark.parametrize("share", [0.03, 0.3, 0.9])
@pytest.mark.parametrize("form", ["date", "text", "day first"])
def test_dates_that_lost_their_format_are_days_of_the_spreadsheet(tmp_path: Path, form: str, share: float) -> None:
    days = [datetime.date(2023, 1, 1) + datetime.timedelta(days=7 * j) for j in range(60)]
    bare = {*range(5, 5 + round(share * 60))}
    shown = {"date": lambda day: day, "text": str, "day first": lambda day: f"{day:%d.%m.%Y}"}[form]
    serials = [(day - datetime.date(1899, 12, 30)).days for day in days]
    cells = [serials[j] if j in bare else shown(day) for j, day in enumerate(days)]
    table = read_table(workbook(tmp_path / "t.xlsx", {"A": [["sold", "y"], *([c, 1.5] for c in cells)]}))
    column = table.column("sold")
    assert isinstance(column, DatetimeColumn)
    assert column.microseconds.view("M8[us]").astype("M8[D]").astype(object).tolist() == days
    note = "column 'sold': 44962 is read as 2023-02-05 (days of a spreadsheet, since 1899-12-30)"
    assert any(each.startswith(note) for each in table.notes)
    # Numbers that are no days of that time stay what they are: a column of two kinds.
    amounts = [[cell if j not in bare else 250 + j, 1.5] for j, cell in enumerate(cells)]
    path = workbook(tmp_path / "u.xlsx", {"A": [["sold", "y"], *amounts]})
    if share == 0.3:
        assert read_table(path).column("sold").kind == "categorical"
    else:
        assert re.search("58 dates, 2 other values|54 numbers, 6 other values", fault(path).message)
