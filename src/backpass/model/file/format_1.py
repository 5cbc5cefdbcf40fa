"""The first format of model files: read only, supported permanently.

It takes bytes and returns facts and arrays. It differs from the current format (see ``container``) in its metadata
only: one key "backpass" with a record

    {"facts": ..., "format": 1, "kind": "model" | "checkpoint", "sha256": ...}

whose digest covers the rest of the record, each array's name, dtype and shape, and the bytes of the arrays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from backpass.model.file.arrays import METADATA, Layout, entries_of, load_arrays, parts_of, read_layout, require_finite
from backpass.model.file.file_errors import damaged, wrong_kind
from backpass.model.file.header import read_header, read_object, write_header
from backpass.model.file.strict_json import JSON, write_json

OPENING = b'{"__metadata__":{"backpass":"{'


def is_first(data: bytes) -> bool:
    """Whether a header begins like one of the first format."""
    return data[8 : 8 + len(OPENING)] == OPENING


def unpack(data: bytes, end: int, kind: str, source: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The facts and arrays of a file whose header ends at ``end``.

    Raises:
        ModelFileError: The file is not valid.
    """
    entries = read_header(data[8:end], source)
    record = _record(entries, kind, source)
    layout = read_layout(entries, source)
    digest = _digest(record, layout, parts_of(data, end, layout, source), source)
    if digest != record["sha256"]:
        raise damaged(source, "its checksum does not match its content")
    rebuilt = {METADATA: {"backpass": write_json(record, source)}, **entries_of(layout)}
    if write_header(rebuilt, source) != data[:end]:
        raise damaged(source, "its header is not laid out as Backpass writes it (order, offsets or padding)")
    arrays = load_arrays(data, source)
    require_finite(kind, arrays, source)
    facts: Any = record["facts"]
    return facts, arrays


def _record(entries: Mapping[str, JSON], kind: str, source: str) -> dict[str, JSON]:
    """The record, with its keys and kind checked."""
    metadata = entries.get(METADATA)
    text = metadata.get("backpass") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(text, str) or len(metadata) != 1:
        raise damaged(source, "its metadata should have exactly the key backpass")
    record = read_object(text.encode("utf-8"), f"{source}: the record")
    if sorted(record) != ["facts", "format", "kind", "sha256"] or type(record["format"]) is not int:
        raise damaged(source, "its record should have exactly the keys facts, format, kind and sha256")
    if record["format"] != 1 or not isinstance(record["facts"], dict):
        raise damaged(source, "its record is not one of format 1")
    if record["kind"] != kind:
        raise wrong_kind(source, record["kind"], kind)
    return record


def _digest(record: Mapping[str, JSON], layout: Layout, parts: list[memoryview], source: str) -> str:
    covered = {name: record[name] for name in ("facts", "format", "kind")}
    described: JSON = [[name, code, list(shape)] for name, (code, shape) in layout.items()]
    digest = hashlib.sha256(write_json({**covered, "arrays": described}, source).encode("ascii"))
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
