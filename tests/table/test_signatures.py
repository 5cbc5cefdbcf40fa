"""Files of other programs are named for what they are; tables among them come with what makes a readable one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import orc

from backpass.errors import DataError
from backpass.table import read_table
from backpass.table.signatures import foreign_binary, foreign_text

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


def stata(path: Path, version: int) -> None:
    FRAME.to_stata(path, version=version, write_index=False)


def duckdb_file(path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE t AS SELECT 1 AS a")


def sqlite_file(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (a)")
    database.close()


def matlab(path: Path) -> None:
    from scipy.io import savemat

    savemat(path, {"X": FRAME[["x", "y"]].to_numpy()})


def svmlight(path: Path) -> None:
    from sklearn.datasets import dump_svmlight_file

    dump_svmlight_file(FRAME[["x", "y"]].to_numpy(), FRAME["y"].to_numpy(), str(path), zero_based=False)


def avro(path: Path) -> None:
    pytest.importorskip("polars").from_pandas(FRAME).write_avro(path)


def saved(save: Callable[..., None], values: object) -> bytes:
    file = io.BytesIO()
    save(file, values)
    return file.getvalue()


def tarred(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("t.csv"))


WRITTEN: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "stata 114": (lambda path: stata(path, 114), "a Stata data file", "pandas.read_stata"),
    "stata 118": (lambda path: stata(path, 118), "a Stata data file", "pandas.read_stata"),
    "orc": (lambda path: orc.write_table(pa.Table.from_pandas(FRAME), path), "an ORC table", "pandas.read_orc"),
    "avro": (avro, "an Avro table", "polars.read_avro"),
    "duckdb": (duckdb_file, "a DuckDB database", "duckdb.connect"),
    "sqlite": (sqlite_file, "an SQLite database", "pandas.read_sql"),
    "matlab": (matlab, "a MATLAB file", "scipy.io.loadmat"),
    "svmlight": (svmlight, "a table in svmlight format", "load_svmlight_file"),
    "npy": (lambda path: path.write_bytes(saved(np.save, FRAME["x"])), "a NumPy array (.npy)", "numpy.load"),
    "npz": (lambda path: path.write_bytes(saved(np.savez, FRAME["x"])), "a NumPy .npz archive", "numpy.load"),
    "feather": (lambda path: FRAME.to_feather(path), "an Arrow (Feather) table", "pandas.read_feather"),
    "pickle": (lambda path: FRAME.to_pickle(path), "a Python pickle", "can run code"),
    "xml": (lambda path: path.write_text("<?xml version='1.0'?>\n<a/>"), "an XML file", "pandas.read_xml"),
    "tar": (tarred, "a tar archive", "unpack"),
    "bzip2": (lambda path: path.write_bytes(bz2.compress(b"a,b\n1,2\n")), "a bzip2 archive", "unpack"),
    "xz": (lambda path: path.write_bytes(lzma.compress(b"a,b\n1,2\n")), "an xz archive", "unpack"),
    "xlsx": (
        lambda path: path.write_bytes(zipped("[Content_Types].xml", "xl/workbook.xml")),
        "an Excel workbook",
        "read_excel",
    ),
    "ods": (
        lambda path: path.write_bytes(zipped("mimetype", content="application/vnd.oasis.opendocument.spreadsheet")),
        "an OpenDocument spreadsheet",
        "read_excel",
    ),
    "zip": (lambda path: path.write_bytes(zipped("t.csv")), "a zip archive", "unpack"),
    # What no package of the tests writes: the first bytes, as the formats' descriptions have them.
    "spss": (lambda path: path.write_bytes(b"$FL2@(#) SPSS DATA FILE" + bytes(40)), "an SPSS data file", "read_spss"),
    "sas": (lambda path: path.write_bytes(b"HEADER RECORD*******LIBRARY HEADER"), "a SAS transport file", "read_sas"),
    "rds": (lambda path: path.write_bytes(gzip.compress(b"X\n\0\0\0\3\0\4\3\1")), "an R object (RDS)", "readRDS"),
    "rdata": (lambda path: path.write_bytes(gzip.compress(b"RDX3\nX\n\0\0\0\3")), "an R workspace", "write.csv"),
    "xls": (
        lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99)),
        "an old Excel workbook",
        "read_excel",
    ),
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


def test_the_rows_of_an_arff_file_are_read_as_its_hint_says(write: Write) -> None:
    rows = FRAME.to_csv(index=False, header=False)
    head = "% of Weka\n@RELATION r\n\n@attribute x numeric\n@ATTRIBUTE 'the class' {p,q}\n@attribute y REAL\n@data\n"
    path = write(head + rows, "t.arff")
    assert refused(path).hint == "its rows can be read with --skip 7 --names 'x,the class,y'"
    table = read_table(path, skip=7, names=["x", "the class", "y"])
    assert table == read_table(write("x,the class,y\n" + rows))
    sparse = refused(write(head + "{0 1, 2 3}\n", "s.arff"))
    assert "--skip" not in sparse.hint


@pytest.mark.parametrize(
    "text",
    [
        "ORCID,name\n1,a\n",
        "GGUF,b\n1,a\n",
        "DUCKS,b\n1,a\n",
        "12345678DUCK,b\n1,a\n",
        "$FL4,b\n1,a\n",
        "X\n1\n2\n",
        "time 1:30 2:45\n1 1:30 2:45\n",
        "@relations,b\n1,a\n",
        "relation,b\n1,a\n",
        "1,2\n3,4\n",
        "5 1:x\n",
    ],
)
def test_tables_that_start_likewise_are_tables(text: str) -> None:
    assert foreign_binary(text.encode()) is None
    assert foreign_text(text.encode()) is None


@pytest.mark.parametrize(
    "text", ["1 1:0.5 3:2\n# comment\n-1 2:.25 # why\n", "0 qid:3 1:1e-3\n1 qid:3 1:2\n", "1,2 1:1\n"]
)
def test_svmlight(text: str) -> None:
    found = foreign_text(text.encode())
    assert found is not None
    assert "svmlight" in found.what
