"""Format registry: every format that can be read, with its name, suffixes, first bytes, extra and reader.

Takes the first and the last bytes of a file; returns its format. Messages, hints and the documentation list the formats
from here. ``signatures`` recognizes files that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from backpass.dataclass import dataclass
from backpass.table.files.signatures import (
    OLE,
    SAS_MAGIC,
    STATA_MAGICS,
    ZIP,
    Signature,
    is_arff,
    is_json,
    is_svmlight,
)

READERS = "backpass.table.formats."
PORTABLE_AT = (456, 461, 466)  # place of the mark in a portable SPSS file: lines of 80 end in nothing, LF or CR LF


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read.

    Attributes:
        name: Short name, ``Opened.form`` of its files.
        title: Name in the documentation.
        what: Description in messages: "an Excel workbook".
        suffixes: Usual suffixes, or the start of its addresses. The content decides, not the suffix.
        signatures: First bytes of its files.
        members: File names inside a zip archive that identify it.
        is_text: The function that recognizes it by the first bytes of a text file.
        extra: Extra of the package that it needs; empty if none.
        reader: Module of ``formats`` with the function ``read``; empty where ``reading`` has its own way.
        holds: What a file may hold several of, "sheet" or "table"; empty if it is one table.
    """

    name: str
    title: str
    what: str
    suffixes: tuple[str, ...]
    signatures: tuple[Signature, ...] = ()
    members: tuple[bytes, ...] = ()
    is_text: Callable[[bytes], bool] | None = None
    extra: str = ""
    reader: str = ""
    holds: str = ""

    @property
    def is_database(self) -> bool:
        """Whether a query runs in the source itself and names its tables."""
        return self.holds == "table"

    @property
    def read(self) -> Callable[..., Any]:
        """The reader: ``read(file, rules, errors)``; that of a database has the argument ``query``, too."""
        reader: Callable[..., Any] = import_module(READERS + self.reader).read
        return reader

    def fits(self, head: bytes, tail: bytes) -> bool:
        """Whether the first and the last bytes of a binary file are of this format."""
        if self.members:
            return head.startswith(ZIP) and any(member in head or member in tail for member in self.members)
        return any(signature.fits(head) for signature in self.signatures)


def _sheets(
    name: str,
    title: str,
    what: str,
    suffixes: tuple[str, ...],
    signatures: tuple[Signature, ...] = (),
    members: tuple[bytes, ...] = (),
) -> Format:
    """Return a format of workbooks."""
    return Format(name, title, what, suffixes, signatures, members, extra="excel", holds="sheet")


def _statistical(
    name: str, title: str, what: str, suffixes: tuple[str, ...], signatures: Iterable[Signature]
) -> Format:
    """Return a format that pyreadstat reads."""
    return Format(name, title, what, suffixes, tuple(signatures), extra="stat", reader="statistical")


OPEN_DOCUMENT = b"vnd.oasis.opendocument.spreadsheet"
FEATHER = (Signature(b"ARROW1", is_binary=True), Signature(b"\xff\xff\xff\xff", is_binary=True))  # file, stream
PORTABLE = tuple(Signature(b"SPSSPORT", at=at) for at in PORTABLE_AT)

FORMATS = (
    Format("text", "CSV, TSV", "a CSV file", (".csv", ".tsv", ".txt")),
    Format("json", "JSON", "a JSON file", (".json", ".jsonl", ".ndjson"), is_text=is_json, reader="json_rows"),
    Format("parquet", "Parquet", "a Parquet file", (".parquet",), (Signature(b"PAR1"),)),
    _sheets("xlsb", "Excel (binary)", "an Excel workbook", (".xlsb",), members=(b"xl/workbook.bin",)),
    _sheets("xlsx", "Excel", "an Excel workbook", (".xlsx", ".xlsm"), members=(b"xl/",)),
    _sheets("ods", "OpenDocument", "an OpenDocument spreadsheet", (".ods",), members=(OPEN_DOCUMENT,)),
    _sheets("xls", "Excel (97-2003)", "an old Excel workbook (.xls)", (".xls",), (Signature(OLE),)),
    _statistical("stata", "Stata", "a Stata data file", (".dta",), map(Signature, STATA_MAGICS)),
    _statistical("spss", "SPSS", "an SPSS data file", (".sav", ".zsav"), map(Signature, (b"$FL2", b"$FL3"))),
    _statistical("por", "SPSS (portable)", "a portable SPSS file", (".por",), PORTABLE),
    _statistical("sas", "SAS", "a SAS data set", (".sas7bdat",), [Signature(SAS_MAGIC)]),
    _statistical("xpt", "SAS (transport)", "a SAS transport file", (".xpt",), [Signature(b"HEADER RECORD*******")]),
    Format(
        "arrow",
        "Arrow, Feather",
        "an Arrow (Feather) table",
        (".arrow", ".arrows", ".feather"),
        FEATHER,
        extra="arrow",
        reader="columnar",
    ),
    Format(
        "orc",
        "ORC",
        "an ORC table",
        (".orc",),
        (Signature(b"ORC", is_binary=True),),
        extra="arrow",
        reader="columnar",
    ),
    Format("avro", "Avro", "an Avro table", (".avro",), (Signature(b"Obj\x01"),), extra="avro", reader="avro"),
    Format(
        "sqlite",
        "SQLite",
        "an SQLite database",
        (".db", ".sqlite", "sqlite:///"),
        (Signature(b"SQLite format 3\x00"),),
        reader="databases.sqlite",
        holds="table",
    ),
    Format(
        "duckdb",
        "DuckDB",
        "a DuckDB database",
        (".duckdb",),
        (Signature(b"DUCK", at=8, is_binary=True),),
        reader="databases.duckdb_file",
        holds="table",
    ),
    Format(
        "postgres",
        "PostgreSQL",
        "a PostgreSQL database",
        ("postgresql://",),
        extra="postgres",
        reader="databases.postgres",
        holds="table",
    ),
    Format("arff", "ARFF", "an ARFF file", (".arff",), is_text=is_arff, reader="arff"),
    Format(
        "svmlight",
        "SVMlight, LIBSVM",
        "a table in svmlight format",
        (".svm", ".libsvm"),
        is_text=is_svmlight,
        reader="svmlight",
    ),
)
"""Tried in order; the first match wins."""

BY_NAME = {each.name: each for each in FORMATS}


def format_of(head: bytes, tail: bytes = b"") -> Format | None:
    """Return the format of a binary file; None if the file may be text, or cannot be read.

    Args:
        head: The first bytes.
        tail: The last bytes, where a zip archive lists its files.

    >>> format_of(b"$FL2@(#) SPSS DATA FILE").title, format_of(b"a,b")
    ('SPSS', None)
    """
    return next((each for each in FORMATS if each.fits(head, tail)), None)


def format_of_text(head: bytes) -> Format | None:
    """Return the format of a text file by its first bytes; None for delimited text.

    >>> format_of_text(b'[{"a": 1}]').title, format_of_text(b"a,b")
    ('JSON', None)
    """
    return next((each for each in FORMATS if each.is_text is not None and each.is_text(head)), None)


def titles() -> str:
    """Return the names of all formats, for a message."""
    *first, last = dict.fromkeys(title for each in FORMATS for title in each.title.partition(" (")[0].split(", "))
    return f"{', '.join(first)} and {last}"
