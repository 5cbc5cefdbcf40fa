"""The header of a file: its length and its JSON.

    8 bytes        length of the header, little endian
    header         JSON, ASCII; spaces up to a multiple of 8 bytes

The meaning of the JSON lives elsewhere (see ``container``).
"""

from __future__ import annotations

import json
from typing import Any

from backpass.model.file.file_errors import damaged, file_error, foreign
from backpass.model.file.sniff import sniff
from backpass.model.file.strict_json import JSON, read_json

LIMIT = 32 << 20
"""Bytes; most headers are a few kB. Ten thousand columns, or a hundred thousand categories, take a few MB."""


def header_length(head: bytes, size: int, source: str) -> int:
    """The length of the header in bytes, if a file of ``size`` bytes that starts with ``head`` can be ours.

    Raises:
        ModelFileError: It cannot; the message says what the file is, from its first bytes alone.
    """
    length = int.from_bytes(head[:8], "little")
    if size <= 8 or not 2 <= length <= LIMIT or head[8:9] != b"{":
        raise foreign(source, sniff(head, size))
    if length > size - 8:
        raise damaged(source, f"it is cut short (its header should be {length} bytes long, {size - 8} are there)")
    return length


def write_header(entries: dict[str, Any], where: str) -> bytes:
    """The length and the header.

    Raises:
        ModelFileError: The header exceeds the limit.
    """
    text = json.dumps(entries, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    if len(text) > LIMIT:
        raise file_error(
            where, f"has {len(text)} bytes of facts, the limit is {LIMIT}", "fewer or shorter category names"
        )
    return len(text).to_bytes(8, "little") + text


def read_header(text: bytes, source: str) -> dict[str, JSON]:
    """The entries of a header.

    Raises:
        ModelFileError: The text is not a valid header.
    """
    return read_object(text, f"{source}: the header")


def read_object(text: bytes, where: str) -> dict[str, JSON]:
    """A JSON object.

    Raises:
        ModelFileError: The text is not one.
    """
    value = read_json(text, where)
    if not isinstance(value, dict):
        raise file_error(where, "is not a JSON object", "an object")
    return value
