"""The container: facts and arrays of a model file or checkpoint, as bytes.

``pack`` takes facts (plain JSON values) and named arrays and returns bytes; ``unpack`` takes bytes and returns facts
and arrays, or raises an error that gives the reason. The bytes are a safetensors file that any safetensors reader
opens:

    8 bytes        length of the header, little endian
    header         {"__metadata__":{"backpass":"3","sha256":"...","kind":"model","facts":"..."},"theta":{...},...}
    arrays         see ``arrays``

The digest is the SHA-256 of every byte of the file, with its own 64 digits read as zeros. Its position is fixed, so it
is verified before anything is parsed. (It guards against accidents, not against forgery: what is parsed afterwards is
no more trusted than before.) Nothing in a file is executable or names anything to import. Equal facts and arrays give
equal bytes in any process, and each content has exactly one form: the reader builds the header again from what it read
and compares. The layout is written here, not by the safetensors library, because these bytes are guaranteed for every
version of that library; the library only reads.

The meaning of the facts lives in ``form``, the file on disk in ``storage``. Format 2 has the same layout and other
names for some facts (see ``older_facts``); ``format_1`` reads files of the first format.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from backpass.errors import ModelFileError, UsageError
from backpass.model.file import format_1
from backpass.model.file.arrays import (
    METADATA,
    Layout,
    entries_of,
    lay_out,
    load_arrays,
    parts_of,
    read_layout,
    require_finite,
)
from backpass.model.file.file_errors import KINDS, OURS, damaged, newer, wrong_kind
from backpass.model.file.header import header_length, read_header, read_object, write_header
from backpass.model.file.older_facts import upgraded
from backpass.model.file.strict_json import JSON, write_json

FORMAT = 3
"""The format that this version writes, and the newest that it reads."""

OLDEST = 2
"""The oldest format with this layout."""

OPENING = re.compile(rb'\{"__metadata__":\{"backpass":"([1-9][0-9]{0,8})","sha256":"([0-9a-f]{64})"')
"""The start of a header: format and digest at fixed positions. Later formats must keep it."""

ZEROS = b"0" * 64
_BEFORE = 8 + len(f'{{"__metadata__":{{"backpass":"{FORMAT}","sha256":"')
DIGITS = slice(_BEFORE, _BEFORE + len(ZEROS))
"""The position of the digest in a file of this format."""


def pack(kind: str, facts: Mapping[str, JSON], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of a file with these facts and arrays.

    Args:
        kind: One of ``KINDS``.
        facts: Plain JSON values.
        arrays: Arrays by name.

    Raises:
        ModelFileError: They cannot be stored: a fact is not JSON, a number in a model is not finite, the header exceeds
            32 MiB, or an array holds objects.

    >>> import numpy as np
    >>> data = pack("model", {"target": "price"}, {"theta": np.zeros(2)})
    >>> unpack(data, "model", "houses.backpass")
    ({'target': 'price'}, {'theta': array([0., 0.])})
    """
    where = f"this {_known_kind(kind)}"
    layout, parts = lay_out(arrays, where)
    require_finite(kind, arrays, where)
    data = bytearray().join([_header(kind, dict(facts), layout, where), *parts])
    data[DIGITS] = _digest(data)
    return bytes(data)


def unpack(data: bytes, kind: str, source: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The facts and arrays of a file.

    The arrays are writable and contiguous and own their memory. There is no fallback to any other format.

    Args:
        data: The bytes of the file.
        kind: The expected kind: One of ``KINDS``.
        source: The name of the file in messages.

    Raises:
        ModelFileError: The bytes are not exactly what ``pack`` writes, or wrote in an earlier format.
    """
    _known_kind(kind)
    end = 8 + header_length(data, len(data), source)
    if format_1.is_first(data):
        facts, arrays = format_1.unpack(data, end, kind, source)
        return upgraded(kind, facts), arrays
    version = _verified(data, source)
    entries = read_header(data[8:end], source)
    read = _facts(entries, kind, source)
    layout = read_layout(entries, source)
    parts_of(data, end, layout, source)
    header = bytearray(data[:end])
    header[DIGITS] = ZEROS
    if _header(kind, read, layout, source, version) != header:
        raise damaged(source, "its header is not laid out as Backpass writes it (order, offsets or padding)")
    arrays = load_arrays(data, source)
    require_finite(kind, arrays, source)
    return read if version == FORMAT else upgraded(kind, read), arrays


def _header(kind: str, facts: JSON, layout: Layout, where: str, version: int = FORMAT) -> bytes:
    """The unique header of a content, with zeros as its digest."""
    metadata = {
        "backpass": str(version),
        "sha256": ZEROS.decode(),
        "kind": kind,
        "facts": write_json(facts, where),
    }
    return write_header({METADATA: metadata, **entries_of(layout)}, where)


def _verified(data: bytes, source: str) -> int:
    """The format of a file with a correct digest; nothing else is read.

    Raises:
        ModelFileError: The digest is wrong, or Backpass did not write the file.
    """
    opening = OPENING.match(data, 8)
    if opening is None:
        raise ModelFileError(
            f"{source} is a safetensors file, but not one that Backpass wrote (its header begins differently)",
            hint=OURS,
        )
    if (version := int(opening[1])) > FORMAT:
        raise newer(source, version, FORMAT)
    if version < OLDEST:
        raise damaged(source, f"its header claims format {version} in the form of another")
    if _digest(data) != opening[2]:
        raise damaged(source, "its checksum does not match its content")
    return version


def _digest(data: bytes | bytearray) -> bytes:
    """The SHA-256 of every byte, with the digest's own digits read as zeros: 64 hexadecimal digits."""
    view = memoryview(data)
    digest = hashlib.sha256(view[: DIGITS.start])
    digest.update(ZEROS)
    digest.update(view[DIGITS.stop :])
    return digest.hexdigest().encode("ascii")


def _facts(entries: Mapping[str, JSON], kind: str, source: str) -> dict[str, JSON]:
    """The facts, if the file is of the expected kind."""
    metadata = entries.get(METADATA)
    if not isinstance(metadata, dict) or list(metadata) != ["backpass", "sha256", "kind", "facts"]:
        raise damaged(source, "its metadata should have exactly the keys backpass, sha256, kind and facts")
    if metadata["kind"] != kind:
        raise wrong_kind(source, metadata["kind"], kind)
    if not isinstance(metadata["facts"], str):
        raise damaged(source, "its facts are not a string")
    return read_object(metadata["facts"].encode("utf-8"), f"{source}: the facts")


def claims(data: bytes, kind: str) -> bool:
    """Whether the first bytes of a file say that it is of this kind; nothing is verified.

    >>> claims(pack("model", {}, {}), "model"), claims(pack("model", {}, {}), "checkpoint")
    (True, False)
    """
    return data[DIGITS.stop :].startswith(f'","kind":"{kind}"'.encode("ascii"))


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise UsageError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    return kind
