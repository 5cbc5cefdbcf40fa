"""Files of other programs are named for what they are; tables among them come with what makes a readable one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backpass.errors import DataError
from backpass.table import read_table
from backpass.table.files.signatures import foreign_binary, foreign_text
from backpass.table.formats.registry import format_of, format_of_text

Write = Callable[..., Path]
FRAME = pd.DataFrame({"x": [0.5, -1.25, 3.0], "c": ["p", "q", "p"], "y": [1.0, 2.0, 3.0]})


def refused(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        read_table(path)
    return caught.value


def zipped(*names: str, content: str = "x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def matlab(path: Path) -> None:
    from scipy.io import savemat

    savemat(path, {"X": FRAME[["x", "y"]].to_numpy()})


def saved(save: Callable[..., None], values: object) -> bytes:
    file = io.BytesIO()
    save(file, values)
    return file.getvalue()


def tarred(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("t.csv"))


WRITTEN: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "matlab": (matlab, "a MATLAB file", "scipy.io.loadmat"),
    "npy": (lambda path: path.write_bytes(saved(np.save, FRAME["x"])), "a NumPy array (.npy)", "numpy.load"),
    "npz": (lambda path: path.write_bytes(saved(np.savez, FRAME["x"])), "a NumPy .npz archive", "numpy.load"),
    "pickle": (lambda path: FRAME.to_pickle(path), "a Python pickle", "can run code"),
    "xml": (lambda path: path.write_text("<?xml version='1.0'?>\n<a/>"), "an XML file", "pandas.read_xml"),
    "json below a comment": (
        lambda path: path.write_text('# rows of May\n\n{"a": 1}\n{"a": 2}\n'),
        "JSON that begins on line 3",
        "remove the 2 lines above it",
    ),
    "tar": (tarred, "a tar archive", "unpack"),
    "bzip2": (lambda path: path.write_bytes(bz2.compress(b"a,b\n1,2\n")), "a bzip2 archive", "unpack"),
    "xz": (lambda path: path.write_bytes(lzma.compress(b"a,b\n1,2\n")), "an xz archive", "unpack"),
    "zip": (lambda path: path.write_bytes(zipped("t.csv")), "a zip archive", "unpack"),
    "model": (
        lambda path: path.write_bytes(bytes([99, *bytes(7)]) + b'{"__metadata__":{"backpass":"3","'),
        "a Backpass model",
        "the model comes before it",
    ),
    # What no package of the tests writes: the first bytes, as the formats' descriptions have them.
    "rds": (lambda path: path.write_bytes(gzip.compress(b"X\n\0\0\0\3\0\4\3\1")), "an R object (RDS)", "readRDS"),
    "rdata": (lambda path: path.write_bytes(gzip.compress(b"RDX3\nX\n\0\0\0\3")), "an R workspace", "write.csv"),
    "hdf5": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), "an HDF5 file", "read_hdf"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_files_of_other_programs(tmp_path: Path, name: str) -> None:
    write, what, remedy = WRITTEN[name]
    path = tmp_path / "t.data"
    write(path)
    error = refused(path)
    assert f"t.data: is {what}" in error.message
    assert remedy in error.hint


@pytest.mark.parametrize(
    "text",
    [
        "ORCID,name\n1,a\n",
        "GGUF,b\n1,a\n",
        "DUCKS,b\n1,a\n",
        "12345678DUCK,b\n1,a\n",
        "$FL4,b\n1,a\n",
        "1,2\n3,4\n5,6\n",
        "ARROW1,b\n1,a\n",
        "FEA1,b\n1,a\n",
        "X\n1\n2\n",
        "time 1:30 2:45\n1 1:30 2:45\n",
        "@relations,b\n1,a\n",
        "relation,b\n1,a\n",
        "1,2\n3,4\n",
        "5 1:x\n",
    ],
)
def test_tables_that_start_likewise_are_tables(text: str) -> None:
    head = text.encode()
    assert foreign_binary(head) is foreign_text(head) is format_of(head) is format_of_text(head) is None
