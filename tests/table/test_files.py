"""What is opened and what is refused: other formats, compression, pipes, and DuckDB's traps."""

import gzip
import os
import pickle
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backpass.errors import DataError, ResourceError
from backpass.table import (
    CategoricalColumn,
    Column,
    DatetimeColumn,
    NumericColumn,
    read_table,
    table_from,
)
from backpass.table.datetimes.timestamp import DAY, HOUR, NAT
from backpass.table.delimited import delimited
from backpass.table.files import database
from backpass.table.files.signatures import SIGNATURES, Signature

Write = Callable[..., Path]
PLAIN = "a,b\n1,x\n2,y\n"


def fault(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path)
    return caught.value.message.replace(str(path.parent) + "/", "")


@pytest.mark.parametrize("known", SIGNATURES, ids=lambda known: known.what)
def test_other_formats_are_named(write: Write, known: Signature) -> None:
    found = fault(write(b"." * known.at + known.magic + b"\0\0rest"))
    assert found == f"t.csv: is {known.what}, not a table in a format that can be read"


def test_real_files_of_other_formats(tmp_path: Path, write: Write) -> None:
    with zipfile.ZipFile(tmp_path / "z.csv", "w") as archive:
        archive.writestr("a.csv", PLAIN)
    assert "zip archive" in fault(tmp_path / "z.csv")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert "is a Python pickle, not a table" in fault(write(pickle.dumps({"a": 1}, protocol)))
    for page in (
        "\n <!DOCTYPE html><html></html>",
        "<html><TABLE><tr></TABLE>",
        '<table border="1">\n<tr>',
        "<style>td",
    ):
        assert "is a web page, not a table" in fault(write(page))
    sheet = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">'
    assert "is an Excel workbook of 2003 (XML), not a table" in fault(write(sheet))


def test_parquet_named_csv(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.5]}), tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv").names == ("a",)


def test_gzip(write: Write) -> None:
    packed = gzip.compress(PLAIN.encode())
    assert read_table(write(packed, "t.csv.gz")) == read_table(write(PLAIN))
    assert fault(write(packed[:-12], "t.csv.gz")).startswith("t.csv.gz: is a damaged gzip file")
    assert fault(write(packed[:12] + b"\xff" * 9, "t.csv.gz")).startswith("t.csv.gz: is a damaged gzip file")
    assert fault(write(gzip.compress(b""), "t.csv.gz")) == "t.csv.gz: is empty (0 bytes)"


def test_zstandard(write: Write) -> None:
    text = 'a,b\n1,"x ""y""\n\nz"\n2,é\n'
    packed = pa.compress(text.encode(), codec="zstd", asbytes=True)
    assert read_table(write(packed, "t.csv.zst")) == read_table(write(text))
    with pytest.raises(DataError, match=r"t\.csv\.zst: "):
        read_table(write(packed[:10], "t.csv.zst"))


def test_a_missing_file_names_the_nearest_one(write: Write) -> None:
    path = write(PLAIN, "houses.csv")
    with pytest.raises(DataError) as caught:
        read_table(path.with_name("house.csv"))
    assert caught.value.message == f"{path.parent}/house.csv: there is no such file"
    assert caught.value.hint == "did you mean 'houses.csv'?"
    with pytest.raises(DataError) as caught:
        read_table(path.with_name("prices.csv"))
    assert caught.value.hint == "", "a common suffix is no resemblance"
    assert fault(path.parent / "none" / "x.csv").endswith(f"there is no such file, and no folder {path.parent}/none")


def test_folders_devices_and_sockets(tmp_path: Path) -> None:
    assert fault(tmp_path).endswith(": is a folder, not a file")
    assert fault(Path("/dev/zero")).endswith("zero: is a device or a socket, not a file")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert fault(tmp_path / "s") == "s: is a device or a socket, not a file"


def test_links_in_a_circle_and_unreadable_files_are_resource_errors(tmp_path: Path, write: Write) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ResourceError, match=r"loop: cannot be opened"):
        read_table(tmp_path / "loop")
    path = write(PLAIN)
    path.chmod(0)
    if not os.access(path, os.R_OK):  # root may read everything
        with pytest.raises(ResourceError, match="cannot be read"):
            read_table(path)


def test_a_named_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(PLAIN,))
    writer.start()
    assert read_table(pipe).rows == 2
    writer.join()


def test_a_plain_file_needs_no_folder_for_temporary_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/there is no such folder")
    assert read_table(write("a,b\n1,2\r\n")).rows == 1
    with pytest.raises(ResourceError):
        read_table(write("a,b\n1,2\r\n".encode("utf-16")))


def test_no_file_is_left_behind(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    read_table(write("a,b\n1,2\r\n".encode("utf-16")))
    with pytest.raises(DataError):
        read_table(write("a,b\n1\n"))
    assert list(scratch.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch", "t.csv"]


ODD_NAMES = ["d[1].csv", "e*.csv", "f?.csv", "g'h.csv", 'i"j.csv', "k l.csv", "ü.csv", "{a,b}.csv"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_that_mean_something_to_duckdb(write: Write, name: str) -> None:
    write("other,file\n9,9\n", "e1.csv")
    write("other,file\n9,9\n", "f1.csv")
    assert read_table(write(PLAIN, name)).rows == 2


class TestTraps:
    def test_a_late_fraction_is_not_rounded(self, write: Write) -> None:
        path = write("a,b\n" + "41,1\n" * 30_000 + "41.5,1\n" + "41,1\n" * 5)
        column = read_table(path).column("a")
        assert isinstance(column, NumericColumn)
        assert column.values[30_000] == 41.5
        assert len(column.values) == 30_006

    def test_a_late_text_is_not_lost(self, write: Write) -> None:
        assert "30,000 numbers, 1 other value ('x' row 30001)" in fault(write("a\n" + "41\n" * 30_000 + "x\n"))

    def test_the_first_rows_alone_decide_nothing(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write("late,early,plain\n1,x,1\n2,2,2.5\n3,3,\ny,4,4\n5,5,NA\n")
        whole = read_table(path)
        monkeypatch.setattr(delimited, "SAMPLE", 32)
        assert read_table(path) == whole
        assert [column.kind for column in whole.columns.values()] == ["categorical", "categorical", "numeric"]

    def test_standard_input_as_a_file_is_spooled(self) -> None:
        read, write = os.pipe()
        os.write(write, PLAIN.encode())
        os.close(write)
        assert read_table(f"/dev/fd/{read}").rows == 2
        os.close(read)

    def test_nothing_is_fetched_from_the_network(self) -> None:
        with database.connected() as connection:
            for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
                assert connection.execute(f"SELECT current_setting('{setting}')").fetchone() == (False,)
            assert connection.execute("SELECT current_setting('temp_directory')").fetchone() == ("",)

    def test_missing_values_at_the_end_come_as_plain_arrays(self, write: Write) -> None:
        table = read_table(write("a,b,c\n" + "1,x,2\n" * 3_000 + ",,\n" * 30_000), all_rows=True)
        number, text = table.column("a"), table.column("b")
        assert isinstance(number, NumericColumn)
        assert isinstance(text, CategoricalColumn)
        assert type(number.values) is np.ndarray
        assert type(text.codes) is np.ndarray
        assert np.isnan(number.values).sum() == (text.codes == 0).sum() == 30_000

    def test_an_empty_field_too_many_is_not_dropped(self, write: Write) -> None:
        assert "line 40001 has 3 fields" in fault(write("a,b\n" + "1,2\n" * 39_999 + "1,2,\n" + "1,2\n" * 400_000))


def first_cell(column: Column) -> Any:
    match column:
        case NumericColumn(_, values):
            return values[0]
        case DatetimeColumn(_, microseconds):
            return microseconds[0]
    return column.levels[column.codes[0] - 1]


class TestParquet:
    def test_types(self, tmp_path: Path) -> None:
        from datetime import UTC, date, datetime
        from decimal import Decimal

        day = datetime(1970, 1, 2, 12)
        data = pa.table(
            {
                "small": pa.array([1, None], pa.int8()),
                "unsigned": pa.array([2**63, 1], pa.uint64()),
                "single": pa.array([0.5, None], pa.float32()),
                "decimal": pa.array([Decimal("0.1"), None], pa.decimal128(20, 3)),
                "flag": pa.array([True, None]),
                "categorical": pa.array(["é", None]),
                "digits": pa.array(["1", "2"]),
                "category": pa.array(["u", "v"]).dictionary_encode(),
                "date": pa.array([date(1970, 1, 11), None]),
                "stamp": pa.array([day, None], pa.timestamp("us")),
                "nano": pa.array([day, None], pa.timestamp("ns")),
                "milli": pa.array([day, None], pa.timestamp("ms")),
                "zone": pa.array([day.replace(tzinfo=UTC), None], pa.timestamp("us", "UTC")),
                "time": pa.array([day.time(), None], pa.time64("us")),
                "empty": pa.array([None, None], pa.string()),
            }
        )
        pq.write_table(data, tmp_path / "t.parquet")
        table = read_table(tmp_path / "t.parquet")
        first = {name: first_cell(column) for name, column in table.columns.items()}
        assert np.isnan(first.pop("empty"))
        assert first == {
            **{"small": 1, "unsigned": 2.0**63, "single": 0.5, "decimal": 0.1, "flag": "true", "categorical": "é"},
            **{"digits": "1", "category": "u", "date": 10 * DAY},
            **dict.fromkeys(["stamp", "nano", "milli", "zone"], DAY + DAY // 2),
            **{"time": 12 * HOUR},
        }
        assert table.notes[1:] == ("column 'zone' has time zones: its dates are taken in UTC",)
        assert table.column("flag").missing.tolist() == [False, True]

    def test_nested_and_binary_columns_are_all_named(self, tmp_path: Path) -> None:
        data = {"ok": [1], "list": [[1]], "struct": [{"a": 1}], "binary": [b"\xff"], "texts": [["a"]]}
        pq.write_table(pa.table(data), tmp_path / "t.parquet")
        with pytest.raises(DataError) as caught:
            read_table(tmp_path / "t.parquet")
        assert len(caught.value.details) == 4
        assert "column 'binary' holds bytes that are not UTF-8 (row 1)" in caught.value.details
        assert read_table(tmp_path / "t.parquet", drop=["list", "struct", "binary", "texts"]).names == ("ok",)

    def test_times_in_utc_are_times(self, tmp_path: Path) -> None:
        """As pyarrow 16 and older write them."""
        import duckdb

        path = tmp_path / "t.parquet"
        duckdb.sql(f"COPY (SELECT TIMETZ '23:59:01.5+00' AS t) TO '{path}' (FORMAT parquet)")
        column = read_table(path).column("t")
        assert isinstance(column, DatetimeColumn)
        assert (column.kind, column.microseconds[0]) == ("time", (23 * 3600 + 59 * 60 + 1) * 1_000_000 + 500_000)

    @pytest.mark.parametrize(
        "type_",
        [pa.timestamp("ns"), pa.timestamp("ns", "UTC"), pa.timestamp("ns", "Asia/Tokyo"), pa.time64("ns")],
        ids=str,
    )
    def test_nanoseconds_are_rounded_down(self, type_: pa.DataType, tmp_path: Path) -> None:
        """As in frames, whatever the sign; the last nanosecond of a day is no next day."""
        nanoseconds = [0, 1, 999, 1_000, 1_500, 1_999, 86_399_999_999_999, None]
        nanoseconds += [-1, -999, -1_999, 10**18 + 999] if pa.types.is_timestamp(type_) else []
        rows = pa.table({"t": pa.array(nanoseconds, type_)})
        pq.write_table(rows, tmp_path / "t.parquet")
        for table in (read_table(tmp_path / "t.parquet"), read_table(tmp_path / "t.parquet", query="FROM data")):
            column = table.column("t")
            assert isinstance(column, DatetimeColumn)
            assert column.kind == ("date" if pa.types.is_timestamp(type_) else "time")
            assert column.microseconds.tolist() == [NAT if n is None else n // 1_000 for n in nanoseconds]
            assert column == table_from(rows).column("t")
        assert read_table(tmp_path / "t.parquet").notes == table_from(rows).notes

    def test_damaged_and_empty(self, tmp_path: Path) -> None:
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table({"a": list(range(1000))}), path)
        path.write_bytes(path.read_bytes()[:-20])
        assert fault(path).startswith("t.parquet: is a damaged Parquet file")
        pq.write_table(pa.table({"a": pa.array([], pa.int64())}), path)
        assert fault(path) == "t.parquet: has columns but no rows"

    def test_a_damaged_row_group_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table({"a": list(range(1000)), "b": list(range(1000))}), path, row_group_size=300)
        group = pq.ParquetFile(path).metadata.row_group(2).column(1)
        damaged = bytearray(path.read_bytes())
        begin = group.dictionary_page_offset or group.data_page_offset
        damaged[begin : begin + 50] = b"\xff" * 50
        path.write_bytes(damaged)
        assert fault(path).startswith("t.parquet: is a damaged Parquet file (row group 3 of 4, rows 601 to 900: ")

    def test_a_child_of_fork_reads_and_ends_in_peace(self, tmp_path: Path) -> None:
        """The threads of the parent's database do not live on in it: without its own it would crash when it ends."""
        pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "t.parquet")
        program = (
            "import os, sys; from backpass.table import read_table\n"
            "assert read_table(sys.argv[1]).rows == 2\n"
            "child = os.fork()\n"
            "assert read_table(sys.argv[1]).rows == 2\n"
            "sys.exit(0 if child == 0 else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
        )
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "t.parquet")], timeout=60, check=False)
        assert done.returncode == 0

    def test_kinds_are_obeyed(self, tmp_path: Path) -> None:
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table({"a": [1.0, 2.5], "b": ["3", "?"], "c": [1, 2]}), path)
        table = read_table(path, kinds={"a": "categorical", "b": "numeric"})
        text, number = table.column("a"), table.column("b")
        assert isinstance(text, CategoricalColumn)
        assert isinstance(number, NumericColumn)
        assert text.levels == ("1", "2.5")
        assert number.values[0] == 3
        assert np.isnan(number.values[1])
        assert table.left_out == ("c",)
