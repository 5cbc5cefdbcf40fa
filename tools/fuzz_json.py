"""The fuzzing of JSON: the facts of model files (``strict_json``) and the rows of tables, beside Python's ``json``.

A target of ``fuzz``. What is read has the value that ``json`` gives it; what is refused is refused by an error of ours.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from zlib import crc32

from backpass.errors import DataError, ModelFileError, ResourceError
from backpass.model.file.strict_json import read_json, write_json
from backpass.table import read_table


def read(data: bytes) -> int:
    """Read bytes as facts and as rows; how many readings gave content.    Errors: AssertionError."""
    # Files are slow: the text tells which inputs become one.
    return _facts(data) + (_rows(data, ("table.json", "table.jsonl")[len(data) % 2]) if crc32(data) % 4 == 0 else 0)


def _facts(data: bytes) -> int:
    try:
        value = read_json(data, "fuzz")
    except ModelFileError:
        return 0
    assert value == json.loads(data.decode()), "another value than json's"
    text = write_json(value, "fuzz")
    again = read_json(text.encode(), "fuzz")
    assert write_json(again, "fuzz") == text, "one value, one text"
    assert again == value
    return 1


def _rows(data: bytes, name: str) -> int:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        file = Path(folder, name)
        file.write_bytes(data)
        try:
            table = read_table(file)
        except (DataError, ResourceError):
            return 0
    rows = _objects(data.decode("utf-8-sig")) if _is_utf8(data) else None
    assert rows is None or table.rows == len(rows), "another number of rows than json's"
    assert table.rows > 0
    return 1


def _is_utf8(data: bytes) -> bool:
    return data[:2] not in (b"\xff\xfe", b"\xfe\xff")


def _objects(text: str) -> list[Any] | None:
    """The rows by Python's ``json`` where there is one way to take them: a list of objects, or lines of them."""
    try:
        value = json.loads(text)
    except ValueError:
        value = _lines(text)
    is_rows = isinstance(value, list) and all(isinstance(row, dict) for row in value)
    return value if is_rows else None


def _lines(text: str) -> list[Any] | None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    try:
        return [json.loads(line) for line in lines if line.strip()]
    except ValueError:
        return None
