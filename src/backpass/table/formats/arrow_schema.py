"""Arrow schema: the units of duration columns, read from the Arrow schema in a Parquet file's metadata.

Takes the metadata entry ``ARROW:schema``; returns units by column name. Parquet has no type for durations: Arrow writes
integers and keeps their unit in that entry, a base64-encoded encapsulated message. Nothing else is read from it. The
layout follows FlatBuffers and Arrow's ``Schema.fbs`` and ``Message.fbs`` (Arrow columnar format 1.5).
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator

from backpass.dataclass import dataclass

CONTINUATION = b"\xff\xff\xff\xff"
DURATION = 18  # index in the union Type
UNITS = ("s", "ms", "us", "ns")  # in the order of the enum TimeUnit
HEADER, FIELDS = 2, 1  # field indices in the tables Message and Schema
NAME, TYPE_OF, TYPE, UNIT = 0, 2, 3, 0  # field indices in the tables Field and Duration


@dataclass(frozen=True, slots=True)
class FlatTable:
    """A FlatBuffers table: the buffer, and where the table starts in it."""

    buffer: bytes
    start: int

    def place(self, field: int) -> int | None:
        """Return the position of a field's value; None if the field has its default."""
        # A table begins with the distance back to its vtable: two sizes (2 bytes each), then an offset per field.
        vtable = self.start - self._number("<i", self.start)
        if 4 + 2 * field >= self._number("<H", vtable):
            return None
        offset = self._number("<H", vtable + 4 + 2 * field)
        return self.start + offset if offset else None

    def number(self, field: int, form: str, default: int) -> int:
        """Return a numeric field, ``default`` if absent; ``form`` is its ``struct`` format."""
        place = self.place(field)
        return default if place is None else self._number(form, place)

    def target(self, field: int) -> int | None:
        """Return the position of the table, string or vector that a field refers to; None if absent."""
        place = self.place(field)
        return None if place is None else place + self._number("<I", place)

    def table(self, field: int) -> FlatTable | None:
        """Return the table that a field refers to; None if absent."""
        target = self.target(field)
        return None if target is None else FlatTable(self.buffer, target)

    def tables(self, field: int) -> Iterator[FlatTable]:
        """Yield the tables of a vector field."""
        start = self.target(field)
        if start is not None:
            for place in range(start + 4, start + 4 + 4 * self._number("<I", start), 4):
                yield FlatTable(self.buffer, place + self._number("<I", place))

    def text(self, field: int) -> str:
        """Return a string field, empty if absent."""
        start = self.target(field)
        if start is None:
            return ""
        length = self._number("<I", start)
        return self.buffer[start + 4 : start + 4 + length].decode()

    def _number(self, form: str, place: int) -> int:
        if place < 0:
            raise ValueError("a position before the start of the buffer")
        return int(struct.unpack_from(form, self.buffer, place)[0])


def duration_units(encoded: bytes) -> dict[str, str]:
    """Return the unit ("s", "ms", "us" or "ns") of each top-level duration column; empty if the entry is damaged.

    >>> duration_units(b"/////zA=")
    {}
    """
    try:
        message = binascii.a2b_base64(encoded)
        # A message begins with a continuation marker and its length; legacy ones with the length alone.
        start = 8 if message.startswith(CONTINUATION) else 4
        buffer = message[start:]
        schema = FlatTable(buffer, struct.unpack_from("<I", buffer)[0]).table(HEADER)
        fields = [] if schema is None else list(schema.tables(FIELDS))
        return {field.text(NAME): _unit(field) for field in fields if field.number(TYPE_OF, "<B", 0) == DURATION}
    except (ValueError, IndexError, struct.error):  # binascii.Error and UnicodeDecodeError are ValueErrors
        return {}


def _unit(field: FlatTable) -> str:
    kind = field.table(TYPE)
    return UNITS[kind.number(UNIT, "<h", 1) if kind is not None else 1]
