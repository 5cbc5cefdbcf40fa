"""Disk: a compressed file that has no room to expand in is refused with both figures before a byte of it is written."""

from __future__ import annotations

import gzip
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from backpass.cli import main
from backpass.errors import DataError, ResourceError
from backpass.table import read_table
from backpass.table.files import decompression as expanding

Room = Callable[[int], None]
Usage = namedtuple("Usage", "total used free")
ROWS = b"a,b\n" + b"1,2\n" * 999  # 4,000 bytes


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    """Have every disk have so many bytes free."""
    return lambda free: monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**12, 0, free))


def zstd(content: bytes, width: int) -> bytes:
    """A frame of uncompressed blocks, whose head tells its length in 1, 2, 4 or 8 bytes (RFC 8878)."""
    head = bytes([(width.bit_length() - 1) << 6 | 1 << 5])
    told = (len(content) - 256 * (width == 2)).to_bytes(width, "little")
    block = (len(content) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd" + head + told + block + content


FILES = {
    "gz": (gzip.compress(ROWS), 4_000),
    "two gz": (gzip.compress(b"a,b\n") + gzip.compress(ROWS[4:]), 3_996),
    "zst of 2 bytes": (zstd(ROWS, 2), 4_000),
    "zst of 4 bytes": (zstd(ROWS, 4), 4_000),
    "zst of 8 bytes": (zstd(ROWS, 8), 4_000),
    "zst of 1 byte": (zstd(ROWS[:200], 1), 200),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_fits_into_the_room_that_it_says_and_no_less(name: str, room: Room, tmp_path: Path) -> None:
    content, told = FILES[name]
    path = tmp_path / "t.csv.z"
    path.write_bytes(content)
    room(told)
    assert read_table(path).rows == (49 if told == 200 else 999)
    room(told - 1)
    with pytest.raises(
        ResourceError, match=r"t\.csv\.z, expanded, needs at least [0-9]+ kB in .*, which has [0-9]+ kB free"
    ) as caught:
        read_table(path)
    assert "TMPDIR" in caught.value.hint


def test_nothing_is_written_before(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 5_000_000))
    monkeypatch.setattr(expanding, "_copied", lambda *given: pytest.fail("it was expanded"))
    room(3_000_000)
    with pytest.raises(ResourceError, match=r"needs at least 20 MB in .*, which has 3 MB free"):
        read_table(path)


def test_the_exit_code_is_that_of_a_full_disk(room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(ROWS))
    room(10)
    assert main(["inspect", str(path)]) == 5
    assert "expanded, needs at least" in capsys.readouterr().err


def test_a_length_that_is_not_told_is_not_asked_for(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "t.csv.zst"
    with pa.output_stream(path, compression="zstd") as stream:
        stream.write(ROWS)
    room(0)
    assert read_table(path).rows == 999


@pytest.mark.parametrize("end", [b"\xff\xff\xff\xff", b"\0\0\0\0"], ids=["more than can be", "nothing"])
def test_a_length_that_cannot_be_is_damage(end: bytes, room: Room, tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(ROWS)[:-4] + end)
    room(10_000)
    with pytest.raises(DataError, match="is a damaged gzip file"):
        read_table(path)


def test_a_file_that_tells_of_more_than_is_allowed_is_too_long(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(ROWS))
    room(100)
    with pytest.raises(DataError, match="expand to more than 1,000"):
        read_table(path, max_bytes=1_000)
