"""File signatures: the format of a file, recognized by its first bytes.

Takes the first bytes of a file. For a file that is not a readable table, it returns a few words for a message and how
to convert the file to a readable one. Nothing is parsed, unpacked or executed. ``formats.registry`` lists the formats
that can be read; ``backpass.model.file.sniff`` uses both modules for model files.
"""

from __future__ import annotations

import json
import re

from backpass.dataclass import dataclass
from backpass.table.notation.lazy_pattern import LazyPattern

PARQUET = "to_parquet('FILE.parquet')"


@dataclass(frozen=True, slots=True)
class Signature:
    """Magic bytes of a file format.

    Attributes:
        magic: The bytes.
        what: Description of the format, for a file that cannot be read.
        remedy: For a table, how to convert it to a readable one.
        at: Offset of ``magic`` in the file, in bytes.
        is_binary: Whether the file must also contain a NUL byte: letters alone could be a CSV header.
    """

    magic: bytes
    what: str = ""
    remedy: str = ""
    at: int = 0
    is_binary: bool = False

    def fits(self, head: bytes) -> bool:
        """Whether the first bytes of a file match. Letters alone prove nothing: a CSV header may be ``ORC``."""
        there = head.startswith(self.magic, self.at)
        return there and (not self.is_binary or b"\0" in head)


MATLAB = f"convert it: pandas.DataFrame(scipy.io.loadmat(...)['NAME']).{PARQUET}"
R_DATA = "in R: write.csv(..., 'FILE.csv', row.names = FALSE)"
UNPACK = "unpack it first"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls files and of other documents of that time
STATA_RELEASES = range(0x69, 0x74)  # formats 105 to 115; later ones start with <stata_dta>
STATA_MAGICS = (
    b"<stata_dta>",
    *(bytes([release, order, 1, 0]) for release in STATA_RELEASES for order in (1, 2)),
)
SAS_MAGIC = b"\0" * 12 + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")

SIGNATURES = (
    Signature(b"\x00\x01\x00\x00Standard ", "an Access database", "export the table as CSV"),
    Signature(
        b"FEA1",
        "a table in Feather version 1",
        f"convert it with an older pyarrow: pandas.read_feather(...).{PARQUET}",
        is_binary=True,
    ),
    Signature(
        b"\x89HDF\r\n\x1a\n", "an HDF5 file", f"convert it: pandas.read_hdf(...).{PARQUET}, where pandas wrote it"
    ),
    Signature(
        b"CDF\x01", "a netCDF file", f"convert it: xarray.open_dataset(...).to_dataframe().reset_index().{PARQUET}"
    ),
    Signature(
        b"CDF\x02", "a netCDF file", f"convert it: xarray.open_dataset(...).to_dataframe().reset_index().{PARQUET}"
    ),
    Signature(b"MATLAB 5.0 MAT-file", "a MATLAB file", MATLAB),
    Signature(b"MATLAB 7.3 MAT-file", "a MATLAB file (HDF5)", "save it with -v7, or as CSV"),
    Signature(b"RDX2\n", "an R workspace (RData)", R_DATA),
    Signature(b"RDX3\n", "an R workspace (RData)", R_DATA),
    Signature(b"RDA2\n", "an R workspace (RData)", R_DATA),
    Signature(b"RDA3\n", "an R workspace (RData)", R_DATA),
    Signature(b"X\n\x00\x00\x00", "an R object (RDS)", "in R: write.csv(readRDS(...), 'FILE.csv', row.names = FALSE)"),
    Signature(
        b"\x93NUMPY", "a NumPy array (.npy)", f"convert it: pandas.DataFrame(numpy.load(...), columns=[...]).{PARQUET}"
    ),
    Signature(b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    Signature(b"\xff\xd8\xff", "a JPEG picture"),
    Signature(b"GIF8", "a GIF picture"),
    Signature(b"%PDF-", "a PDF document"),
    Signature(b"GGUF", "a GGUF model", is_binary=True),
    Signature(
        b'{"__metadata__":{"backpass":',
        "a Backpass model",
        "pass a table here; the model comes before it: backpass predict MODEL TABLE",
        at=8,
    ),
    Signature(b"\x7fELF", "a program"),
    Signature(b"1AY&SY", "a bzip2 archive", UNPACK, at=4),
    Signature(b"\xfd7zXZ\x00", "an xz archive", UNPACK),
    Signature(b"7z\xbc\xaf", "a 7z archive", UNPACK),
    Signature(b"\x04\x22\x4d\x18", "an lz4 archive", UNPACK),
    Signature(b"ustar", "a tar archive", UNPACK, at=257),
)
"""Tried in order; the first match wins."""

ZIPPED = (  # names of members -> what the archive is
    (b".npy", "a NumPy .npz archive (zip)", f"convert it: pandas.DataFrame({{**numpy.load(...)}}).{PARQUET}"),
)
ZIP = b"PK\x03\x04"
PICKLE = LazyPattern(rb"\x80[\x02-\x05][^\x00]")
# Possessive, so that no text takes more than linear time.
RELATION = LazyPattern(rb"(?:[ \t]*+(?:%[^\r\n]*+)?[\r\n])*+[ \t]*+@relation\b", re.IGNORECASE)
NUMBER = rb"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?"
SVMLIGHT = LazyPattern(
    rb"%(n)s(?:,%(n)s)*+(?: ++qid:\d++)?(?P<pairs>(?: ++\d++:%(n)s)*+)[ \t]*+(?:#.*)?"
    % {b"n": NUMBER}  # target, then column:value
)
JSON = LazyPattern(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{\]])")  # a list or an object, unlike any CSV header
COMMENTS = (b"#", b"//")
MARK = b"\xef\xbb\xbf"
LINES = 20  # lines that must match


def foreign_binary(head: bytes) -> Signature | None:
    """Return the format of a binary file; None if the file may be text, or is unknown.

    >>> foreign_binary(b"%PDF-1.7").what, foreign_binary(b"a,b\\n1,2\\n")
    ('a PDF document', None)
    """
    if head.startswith(ZIP):
        found = ((what, remedy) for mark, what, remedy in ZIPPED if mark in head)
        return Signature(ZIP, *next(found, ("a zip archive", UNPACK)))
    if PICKLE.match(head):
        how = f"convert it: pandas.read_pickle(...).{PARQUET}; only of a file that you trust: a pickle can run code"
        return Signature(head[:2], "a Python pickle", how)
    return next((signature for signature in SIGNATURES if signature.fits(head)), None)


def foreign_text(head: bytes) -> Signature | None:
    """Return the format of a text file that is not a delimited table; None if it may be one.

    >>> foreign_text(b"<?xml version='1.0'?>").what, foreign_text(b"a,b\\n1,2\\n")
    ('an XML file', None)
    """
    start = head.removeprefix(MARK).lstrip()[:20].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<style", b"<meta", b"<div")):
        of_table = f"a spreadsheet program, or pandas.read_html('FILE')[0].{PARQUET}, converts its table"
        page = "was a sign-in page downloaded in place of the file?"
        has_table = b"<table" in head.lower()
        return Signature(b"", "a web page", f"{of_table}; or {page}" if has_table else page)
    if start.startswith(COMMENTS) and (first := _line_of_json(head)):
        lines = "the line" if first == 2 else f"the {first - 1} lines"
        return Signature(b"", f"JSON that begins on line {first}", f"remove {lines} above it: JSON has no comments")
    if start.startswith(b"version https://git-"):
        return Signature(b"", "a pointer of Git LFS in place of the file", "git lfs pull fetches the file")
    if start.startswith(b"<?xml"):
        if b"urn:schemas-microsoft-com:office:spreadsheet" in head:
            return Signature(b"", "an Excel workbook of 2003 (XML)", "open it and save it as .xlsx or CSV")
        return Signature(b"", "an XML file", f"convert it: pandas.read_xml(...).{PARQUET}")
    return None


def _line_of_json(head: bytes) -> int:
    """Return the line, from 1, on which JSON begins below comments; 0 if something else stands there."""
    lines = head.removeprefix(MARK).splitlines(keepends=True)
    above = (k for k, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(COMMENTS))
    first = next(above, len(lines))
    return first + 1 if is_json(b"".join(lines[first:])) else 0


def is_json(head: bytes) -> bool:
    """Whether a text file is JSON.

    >>> is_json(b'{"a": 1}'), is_json(b"{a},b"), is_json(b"[1, 2]"), is_json(b"[1],[2]")
    (True, False, True, False)
    """
    return JSON.match(head) is not None or _is_list(head.removeprefix(MARK).lstrip().partition(b"\n")[0].strip())


def _is_list(line: bytes) -> bool:
    """Whether a line is a list in JSON, as no header is: ``[1, 2]``."""
    if not (line.startswith(b"[") and line.endswith(b"]")):
        return False
    try:
        return isinstance(json.loads(line), list)
    except (ValueError, RecursionError):
        return False


def is_arff(head: bytes) -> bool:
    """Whether a text file is an ARFF file: one that begins with ``@relation``, after comments."""
    return RELATION.match(head.removeprefix(MARK)) is not None


def is_svmlight(head: bytes) -> bool:
    """Whether a text file is in svmlight format: a target and pairs of column and value in each line.

    >>> is_svmlight(b"1 1:0.5 3:2\\n-1 2:0.25\\n"), is_svmlight(b"a,b\\n1,2\\n")
    (True, False)
    """
    if b":" not in head:
        return False
    lines = head.removeprefix(MARK).splitlines()[: LINES + 1]
    has_pairs = False  # a row may be all zeros
    for line in map(bytes.strip, lines[:-1] or lines):  # the last line may be truncated
        if line and not line.startswith(b"#"):
            if (found := SVMLIGHT.fullmatch(line)) is None:
                return False
            has_pairs = has_pairs or bool(found["pairs"])
    return has_pairs
