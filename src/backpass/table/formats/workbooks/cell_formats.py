"""Cell formats: which cells of an .xlsx sheet are percentages, errors, or formulas without a stored value.

Takes the file and the name of a sheet; reads the few parts of the archive that say so. The values of the cells are read
elsewhere. Source: Office Open XML (ECMA-376), parts workbook, styles and worksheet.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from xml.etree import ElementTree

from backpass.dataclass import dataclass
from backpass.table.files.decompression import CHUNK
from backpass.table.messages import counted

BUILT_IN = {9: "0%", 10: "0.00%"}  # the percent formats that have a number but no entry in the file
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
PREFIX = rb"(?:\w+:)?"
OPEN, CLOSE = rb"<" + PREFIX, rb"</" + PREFIX
ERROR = re.compile(OPEN + rb'c\s[^>]*\bt="e"')
UNCACHED = re.compile(  # a formula whose value is absent or empty, unless it is a text
    OPEN
    + rb'c\s(?![^>]*\bt="(?:str|e)")[^>]*>\s*'
    + (OPEN + rb"f(?:\s[^>]*)?(?:/>|>[^<]*" + CLOSE + rb"f>)\s*")
    + (rb"(?:" + OPEN + rb"v\s*/>|" + OPEN + rb"v>\s*" + CLOSE + rb"v>)?\s*" + CLOSE + rb"c>")
)
REFERENCE = re.compile(rb'\br="([A-Z]+)([0-9]+)"')
CELL_END = b"c>"
QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


@dataclass(frozen=True, slots=True)
class CellFormats:
    """What the cells of a sheet are.

    Attributes:
        percent: Columns of the percentages by row, both from 0.
        errors: Number of cells that hold an error such as #DIV/0!.
        uncached: Number of formulas without a stored value.
    """

    percent: dict[int, set[int]] = field(default_factory=dict)
    errors: int = 0
    uncached: int = 0

    def notes(self) -> tuple[str, ...]:
        """Return the messages about errors and formulas."""
        found = []
        if self.errors:
            found.append(f"{counted(self.errors, 'cell')} with an error such as #DIV/0!: read as missing")
        if self.uncached:
            what = f"{counted(self.uncached, 'formula')} without a stored value"
            found.append(f"{what}: read as missing; a spreadsheet program stores the values on saving")
        return tuple(found)


def cell_formats(file: Path, sheet: str) -> CellFormats:
    """Return the formats of the cells of a sheet; none if the parts that state them are absent or damaged."""
    percent: dict[int, set[int]] = {}
    errors = uncached = 0
    try:
        with zipfile.ZipFile(file) as archive:
            styles = _percent_styles(archive)
            numbers = b"|".join(b"%d" % style for style in sorted(styles))
            styled = re.compile(rb"<" + PREFIX + rb'c\s[^>]*\bs="(?:' + numbers + rb')"[^>]*>') if styles else None
            for text in _pieces(archive, _part(archive, sheet)):
                errors += len(ERROR.findall(text))
                uncached += len(UNCACHED.findall(text))
                for cell in styled.findall(text) if styled else ():
                    if place := REFERENCE.search(cell):
                        percent.setdefault(int(place[2]) - 1, set()).add(_column(place[1]))
    except (KeyError, ValueError, ElementTree.ParseError, zipfile.BadZipFile):
        return CellFormats()
    return CellFormats(percent, errors, uncached)


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the archive's member that holds a sheet.

    Raises:
        KeyError: There is none.
    """
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    identifiers = {
        each.get("name"): each.get(RELATION) or each.get(STRICT_RELATION) for each in book.iter() if _is(each, "sheet")
    }
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    return posixpath.normpath(posixpath.join("/xl", targets[identifiers[sheet]])).lstrip("/")


def _percent_styles(archive: zipfile.ZipFile) -> set[int]:
    """Return the numbers of the cell styles that display a percentage."""
    if "xl/styles.xml" not in archive.namelist():
        return set()
    styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
    codes = {int(each.get("numFmtId", 0)): each.get("formatCode", "") for each in styles.iter() if _is(each, "numFmt")}
    percent = {number for number, code in {**BUILT_IN, **codes}.items() if "%" in QUOTED.sub("", code)}
    formats = next((each for each in styles if _is(each, "cellXfs")), ElementTree.Element("none"))
    return {j for j, each in enumerate(formats) if int(each.get("numFmtId", 0)) in percent}


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield the text of a member in pieces that end with a cell."""
    rest = b""
    with archive.open(part) as stream:
        while chunk := stream.read(CHUNK):
            text = rest + chunk
            end = text.rfind(CELL_END) + len(CELL_END) if CELL_END in text else 0
            yield text[:end]
            rest = text[end:]
    yield rest


def _column(letters: bytes) -> int:
    """Return the index of a column from its letters.

    >>> _column(b"A"), _column(b"Z"), _column(b"AA")
    (0, 25, 26)
    """
    index = 0
    for letter in letters:
        index = 26 * index + letter - ord("A") + 1
    return index - 1


def _is(element: ElementTree.Element, name: str) -> bool:
    """Whether an element has this name, in any namespace."""
    return element.tag.rpartition("}")[2] == name
