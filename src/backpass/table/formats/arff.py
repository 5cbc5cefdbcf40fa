"""ARFF files: the attributes and rows of Weka's format, dense or sparse.

Takes an opened text file; returns raw columns. Numeric attributes are numbers; nominal ones and strings are
categorical; dates keep their kind if they are in ISO 8601. ``?`` is missing; what a sparse row leaves out is 0, or the
first of the nominal values. Source: Attribute-Relation File Format, University of Waikato.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np

from backpass.dataclass import dataclass
from backpass.table.columns.raw import Content, RawColumn, RawNumbers, coded
from backpass.table.columns.rules import Rules
from backpass.table.delimited.records import check_names
from backpass.table.files.opening import Opened
from backpass.table.memory import require_file_memory
from backpass.table.messages import ErrorList, counted, data_error, shown
from backpass.table.notation.number import number_in

TOKEN = r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\""
ATTRIBUTE = re.compile(rf"\s*@attribute\s+({TOKEN}|[^\s{{]+)\s*(.+?)\s*", re.IGNORECASE)
FIELD = re.compile(rf" *+({TOKEN}|[^,\t]*?) *+(?:[,\t]|$)")
SPARSE = re.compile(rf"\s*+([0-9]+)\s++({TOKEN}|[^,]*?)\s*+(?:,|$)")
WEIGHT = re.compile(r",\s*\{[^{}]*\}\s*$")  # the weight of an instance
ESCAPE = re.compile(r"\\(.)")
NUMERIC = ("numeric", "real", "integer")
TEXT_BYTE = 3  # bytes of memory per byte of text
MISSING = "?"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A declared column.

    Attributes:
        name: Its name.
        kind: "numeric", "nominal", "string" or "date".
        default: The value that a sparse row leaves out; None where that is no value.
    """

    name: str
    kind: str
    default: str | None


def read(file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Read the requested columns of a file.

    Raises:
        DataError: The header or a row is damaged; the error names the line.
        ResourceError: The file does not fit in memory.
    """
    size = file.path.stat().st_size
    require_file_memory(file.source, size, TEXT_BYTE)
    with file.path.open(encoding="utf-8-sig") as lines:
        numbered = enumerate(lines, start=1)
        attributes = _header(numbered, file.source)
        names = tuple(each.name.strip(" \t") for each in attributes)
        check_names(names, file.source)
        rows = [*_rows(numbered, attributes, file.source)]
    if not rows:
        raise data_error(file.source, "has columns but no rows")
    columns = [
        _column(name, attribute, [row[j] for row in rows], errors)
        for j, (name, attribute) in enumerate(zip(names, attributes, strict=True))
        if rules.wants(name)
    ]
    return Content(names, [column for column in columns if column is not None], len(rows))


def _header(lines: Iterator[tuple[int, str]], source: str) -> list[Attribute]:
    """Return the attributes; the lines go on after ``@data``.

    Raises:
        DataError: An attribute is damaged or of an unsupported type, or there is no ``@data``.
    """
    found = list[Attribute]()
    for number, line in lines:
        text = line.strip()
        if text.lower() == "@data":
            return found
        if not text.lower().startswith("@attribute"):
            continue
        attribute = ATTRIBUTE.fullmatch(text)
        kind = _kind(attribute[2]) if attribute else None
        if attribute is None or kind is None:
            raise data_error(source, f"line {number}: expected @attribute NAME TYPE; got {shown(text)}")
        first = _fields(attribute[2].strip("{} \t"))[0] if kind == "nominal" else "0" if kind == "numeric" else None
        found.append(Attribute(_unquoted(attribute[1]), kind, first))
    raise data_error(source, "has no line @data")


def _kind(declared: str) -> str | None:
    """Return the kind of a declared type; None if it is not supported.

    >>> _kind("REAL"), _kind("{a, b}"), _kind("date 'yyyy-MM-dd'"), _kind("relational")
    ('numeric', 'nominal', 'date', None)
    """
    word = declared.split()[0].lower()
    if declared.startswith("{"):
        return "nominal"
    return "numeric" if word in NUMERIC else word if word in ("string", "date") else None


def _rows(lines: Iterator[tuple[int, str]], attributes: Sequence[Attribute], source: str) -> Iterator[list[str | None]]:
    """Yield the fields of each row, None where missing.

    Raises:
        DataError: A row has the wrong number of fields, or an index without an attribute.
    """
    width = len(attributes)
    for number, line in lines:
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        if text.startswith("{"):
            yield _sparse(text, attributes, number, source)
            continue
        fields = _fields(text)
        if len(fields) == width + 1 and WEIGHT.search(text):
            fields = _fields(WEIGHT.sub("", text))
        if len(fields) != width:
            raise data_error(
                source, f"line {number} has {counted(len(fields), 'field')}, the header declares {width:,}"
            )
        yield fields


def _sparse(text: str, attributes: Sequence[Attribute], number: int, source: str) -> list[str | None]:
    row: list[str | None] = [each.default for each in attributes]
    inside = text[1 : text.rindex("}")] if "}" in text else text[1:]
    at = 0
    while at < len(inside.rstrip()):
        pair = SPARSE.match(inside, at)
        if pair is None or int(pair[1]) >= len(row):
            raise data_error(source, f"line {number}: expected INDEX VALUE; got {shown(inside[at:])}")
        row[int(pair[1])] = _value(pair[2])
        at = pair.end()
    return row


def _fields(text: str) -> list[str | None]:
    """Split a row.

    >>> _fields("1, 'a, b',?")
    ['1', 'a, b', None]
    """
    found, at = list[str | None](), 0
    while at <= len(text):
        field = FIELD.match(text, at)
        if field is None:  # something stands behind a quoted value
            return [*found, text[at:]]
        found.append(_value(field[1]))
        if field.end() == len(text) and text[-1:] not in (",", "\t"):
            break
        at = field.end() if field.end() > at else at + 1
    return found


def _value(text: str) -> str | None:
    return None if text == MISSING else _unquoted(text)


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return ESCAPE.sub(r"\1", text[1:-1]) if is_quoted else text


def _column(name: str, attribute: Attribute, values: list[str | None], errors: ErrorList) -> RawColumn | None:
    if attribute.kind != "numeric":
        return coded(name, values, typed=True)
    numbers = [math.nan if value is None else number_in(value) for value in values]
    wrong = [(row, value) for row, (value, found) in enumerate(zip(values, numbers, strict=True), 1) if found is None]
    if wrong:
        row, value = wrong[0]
        errors.add(f"column {shown(name)} is declared numeric and holds {shown(value)} (row {row})")
        return None
    return RawNumbers(name, np.array(numbers, dtype=np.float64))
