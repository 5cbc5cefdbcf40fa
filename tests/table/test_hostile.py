"""Files made to harm: everything is told, or read, within a limit of memory and time, by a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backpass.errors import DataError, ResourceError
from backpass.table import read_table, reading

Write = Callable[..., Path]

PROGRAM = """
import resource, sys
limit = int(sys.argv[1]) << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from backpass.cli import main
code = main(sys.argv[2:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(int(peak) // 1024, file=sys.stderr)  # getrusage would count what the parent had
sys.exit(code)
"""


@dataclass(frozen=True)
class Outcome:
    """What a limited process came to: its exit code, its output, its words, its peak memory in MB."""

    code: int
    out: str
    err: str
    peak: int


def limited(megabytes: int, *arguments: Any) -> Outcome:
    """A command line in a process whose address space is limited."""
    command = [sys.executable, "-c", PROGRAM, str(megabytes), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    *words, peak = done.stderr.splitlines()
    return Outcome(done.returncode, done.stdout, "\n".join(words), int(peak))


def test_an_honest_file_fits_the_limit(write: Write) -> None:
    """The limit itself is not what refuses the files below."""
    assert limited(2048, "inspect", write("a,b\n1,2\n3,5\n")).code == 0


def test_a_field_of_a_hundred_megabytes(write: Write) -> None:
    path = write('a,b\n1,"' + "x" * 100_000_000 + '"\n')
    found = limited(2048, "inspect", path)
    assert found.code == 3, found.err
    assert "line 2 starts a field of more than 1,000,000 bytes: is a quote not closed?" in found.err
    assert found.peak < 1024


def test_a_line_without_an_end(write: Write) -> None:
    """No line end in 200 MB: a header of one name."""
    found = limited(2048, "inspect", write("x" * 200_000_000))
    assert found.code == 3, found.err
    assert "the header has a name of more than 131,072 characters" in found.err
    assert found.peak < 1024


def test_many_categories(write: Write) -> None:
    path = write("c,y\n" + "".join(f"level {i % 150_000},{i % 2}\n" for i in range(300_000)))
    found = limited(3072, "inspect", path)
    assert found.code == 0, found.err
    assert "embedding, 255 categories" in found.out


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_file_that_expands_a_thousand_times(tmp_path: Path, compression: str) -> None:
    """300 MB of equal rows: given up where more has come out than a table has, with both figures."""
    path = tmp_path / "bomb.csv.z"
    with pa.output_stream(path, compression=compression) as stream:
        stream.write(b"a,b\n")
        for _ in range(300):
            stream.write(b"1,2\n" * 250_000)
    assert 200 * path.stat().st_size < 300_000_000
    found = limited(2048, "inspect", path)
    assert found.code == 3, found.err
    limit = max(200 * path.stat().st_size, 64 << 20)
    assert f"{path.stat().st_size:,} bytes expand to more than {limit:,}" in found.err
    assert found.peak < 200


def test_a_parquet_file_of_more_rows_than_fit(tmp_path: Path) -> None:
    """300 million zeros in a megabyte: refused by its metadata, nothing is decoded."""
    path, zeros = tmp_path / "bomb.parquet", pa.table({"x": pa.array([0] * 1_000_000, pa.int8())})
    with pq.ParquetWriter(path, zeros.schema) as writer:
        for _ in range(300):
            writer.write_table(zeros)
    assert path.stat().st_size < 2_000_000
    found = limited(3072, "inspect", path)
    assert found.code == 5, found.err
    assert "bomb.parquet (300,000,000 rows x 1 column) needs about 4.8 GB of memory, " in found.err
    assert found.peak < 500


@pytest.mark.parametrize(
    "rows", ["1.5,2,3\n4,5,6\n", "1,2,\n4,5,\n", "1,2,\n4,5,6\n", ",2,3\n4,5,6\n", "-1,2,3\n4,5,6\n"]
)
def test_every_row_a_field_longer_than_the_header(write: Write, rows: str) -> None:
    """pandas takes the first column for an index here, whatever it holds; R writes names of rows so."""
    with pytest.raises(DataError, match=r"2 lines do not have the 2 fields of the header: line 2 \(3\), line 3 \(3\)"):
        read_table(write(f"a,b\n{rows}"))


def test_names_of_all_sorts(write: Write) -> None:
    names = ["\U0001f600", "a b", "=cmd()", "\x1b[31mred", "n" * 10_000, "Größe", "\u202egnp"]
    table = read_table(write(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n"))
    assert table.names == tuple(names)
    with pytest.raises(DataError) as caught:
        table.column("n" * 9_999 + "m")
    assert len(str(caught.value)) < 25_000
    assert all(sign not in str(caught.value).replace("n" * 100, "") for sign in ("\x1b", "\u202e"))


def test_a_file_that_goes_while_it_is_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is opened several times: what is then not there is an I/O fault, and no table."""
    path = write("a,b\n1,2\n")
    layout_of = reading.layout_of

    def then_gone(*arguments: Any) -> Any:
        found = layout_of(*arguments)
        path.unlink()
        return found

    monkeypatch.setattr(reading, "layout_of", then_gone)
    with pytest.raises((ResourceError, DataError), match=r"t\.csv: cannot be read"):
        read_table(path)


def test_a_parquet_file_cut_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": list(range(50)), "t": ["x", "y"] * 25}), path)
    whole = path.read_bytes()
    for length in range(4, len(whole), 29):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            read_table(path)
    path.write_bytes(whole)
    assert read_table(path).rows == 50


def test_a_parquet_file_with_a_wrong_byte(tmp_path: Path) -> None:
    """Read, or refused as data; never another exception."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": list(range(50)), "t": ["x", "y"] * 25}), path)
    whole = path.read_bytes()
    for place in range(4, len(whole), 31):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_table(path)
        except (DataError, ResourceError):
            continue
