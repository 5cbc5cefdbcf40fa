"""The container: facts and arrays of one of our files (a model or a checkpoint), as bytes.

``pack`` takes facts (plain JSON values) and named arrays and gives bytes; ``unpack`` takes bytes and gives them back,
or says why not. The bytes are a safetensors file that any safetensors reader opens:

    8 bytes        length of the header, little endian
    header         JSON: "__metadata__" -> "backpass" -> our record; then each array's dtype, shape and place;
                   spaces up to a multiple of 8 bytes
    arrays         widest dtype first, then by name; little endian, row by row, no gaps

    record = {"facts": ..., "format": 1, "kind": "model" | "checkpoint", "sha256": ...}

Nothing in it can be executed or names anything to import. Equal facts and arrays give equal bytes, in any process,
and one content has exactly one form: the reader builds the header again from what it read and compares, and the digest
covers the rest, so every bit counts. (The digest guards against accidents, not against forgery.) The layout is written
here rather than by the safetensors library because these bytes are promised, whatever version of the library is
installed; the library reads. What a fact means, and where the bytes rest, do not live here (see ``storage``).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.errors import ModelFileError, UsageError
from backpass.model.foreign import recognise
from backpass.model.strict_json import JSON, read_json, write_json

FORMAT = 1
"""Number of the newest layout this version writes and reads."""

KINDS = ("model", "checkpoint")
HEADER_LIMIT = 1 << 20
"""Bytes; a header of ours is a few kB. Long lists (a vocabulary of many categories) belong into an array."""

ARRAY_LIMIT = 10_000
DIMENSION_LIMIT = 8
LENGTH_LIMIT = 1 << 31

DTYPES: dict[str, np.dtype[Any]] = {
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F16": np.dtype("<f2"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
"""Code in the file -> dtype, widest first: arrays lie in this order, so each starts at a multiple of its item size."""

Layout: TypeAlias = dict[str, tuple[str, tuple[int, ...]]]
"""Array name -> (dtype code, shape), in the order of the file."""


def pack(kind: str, facts: Mapping[str, JSON], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of a file that holds ``facts`` and ``arrays``.

    Raises ModelFileError when they cannot be kept: a fact that is not JSON, a number that is not finite in a model, a
    header above 1 MiB, an array of objects.

    >>> data = pack("model", {"target": "price"}, {"theta": np.zeros(2)})
    >>> unpack(data, "model", "houses.backpass")
    ({'target': 'price'}, {'theta': array([0., 0.])})
    """
    where = f"this {_known_kind(kind)}"
    stored = {name: _stored(name, array, where) for name, array in arrays.items()}
    layout = _ordered({name: (_code(array.dtype), array.shape) for name, array in stored.items()}, where)
    payload = [stored[name].tobytes() for name in layout]
    _require_finite(kind, stored, where)
    header = _header(_record(kind, dict(facts), layout, payload, where), layout)
    if len(header) - 8 > HEADER_LIMIT:
        raise _refusal(
            where,
            f"has {len(header) - 8} bytes of facts, the limit is {HEADER_LIMIT}",
            "fewer or shorter category names",
        )
    return b"".join([header, *payload])


def unpack(data: bytes, kind: str, source: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The facts and arrays of a file of this ``kind``; ``source`` is how messages call it.

    The arrays are ordinary ones: writable, contiguous, owning their memory. Raises ModelFileError for anything that is
    not exactly what ``pack`` writes. There is no fallback to any other format.
    """
    _known_kind(kind)
    end = 8 + _header_length(data, source)
    entries = _read_object(data[8:end], f"{source}: the header")
    facts, digest = _read_record(entries, kind, source)
    layout = _ordered(_read_layout(entries, source), source)
    payload = _payload(data, end, layout, source)
    record = _record(kind, facts, layout, payload, source)
    if record["sha256"] != digest:
        raise _damaged(source, "its checksum does not match its content")
    if _header(record, layout) != data[:end]:
        raise _damaged(source, "its header is not laid out as Backpass writes it (order, places or padding)")
    arrays = _load(data, source)
    _require_finite(kind, arrays, source)
    return facts, {name: arrays[name] for name in sorted(arrays)}


# Writing: the one form that a content has


def _record(
    kind: str, facts: JSON, layout: Layout, payload: Iterable[bytes | memoryview], where: str
) -> dict[str, JSON]:
    """The record of the header. The digest covers kind, format, facts, each array's name, dtype, shape and bytes."""
    covered: dict[str, JSON] = {"facts": facts, "format": FORMAT, "kind": kind}
    described: JSON = [[name, code, list(shape)] for name, (code, shape) in layout.items()]
    digest = hashlib.sha256(write_json({**covered, "arrays": described}, where).encode("ascii"))
    for part in payload:
        digest.update(part)
    return {**covered, "sha256": digest.hexdigest()}


def _header(record: JSON, layout: Layout) -> bytes:
    """The length and the header that say what the file holds, padded with spaces to a multiple of 8 bytes."""
    entries: dict[str, Any] = {"__metadata__": {"backpass": write_json(record, "the record")}}
    begin = 0
    for name, (code, shape) in layout.items():
        end = begin + DTYPES[code].itemsize * math.prod(shape)
        entries[name] = {"dtype": code, "shape": list(shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(entries, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _stored(name: str, array: NDArray[Any], where: str) -> NDArray[Any]:
    """The array as it lies in the file: little endian, row by row."""
    if array.dtype.kind not in "fiub" or array.dtype.newbyteorder("<") not in DTYPES.values():
        raise _refusal(where, f"has an array {name!r} of dtype {array.dtype}", f"one of {', '.join(DTYPES)}")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _code(dtype: np.dtype[Any]) -> str:
    return next(code for code, known in DTYPES.items() if known == dtype)


def _ordered(layout: Layout, where: str) -> Layout:
    """The layout in the order of the file, its names and shapes checked."""
    if len(layout) > ARRAY_LIMIT:
        raise _refusal(where, f"has {len(layout)} arrays", f"at most {ARRAY_LIMIT}")
    for name, (_, shape) in layout.items():
        if not (0 < len(name) <= 200 and name.isascii() and name.isprintable() and name != "__metadata__"):
            raise _refusal(where, f"has an array called {name[:60]!r}", "1 to 200 printable ASCII characters")
        if len(shape) > DIMENSION_LIMIT or any(not 0 <= length <= LENGTH_LIMIT for length in shape):
            expected = f"at most {DIMENSION_LIMIT} dimensions of at most {LENGTH_LIMIT} each"
            raise _refusal(where, f"has an array {name!r} of shape {shape[:9]}", expected)
    rank = {code: position for position, code in enumerate(DTYPES)}
    return dict(sorted(layout.items(), key=lambda item: (rank[item[1][0]], item[0])))


def _require_finite(kind: str, arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Refuse a model with NaN or infinity in it; a checkpoint may hold the state of a run that diverged."""
    if kind != "model":
        return
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            count = int(np.count_nonzero(~np.isfinite(array)))
            raise _refusal(
                where, f"has {count} of {array.size} numbers in {name!r} that are not finite", "finite numbers"
            )


# Reading: trust nothing, length first


def _header_length(data: bytes, source: str) -> int:
    """Bytes of the header, when this can be one of our files at all."""
    length = int.from_bytes(data[:8], "little")
    if len(data) <= 8 or not 2 <= length <= HEADER_LIMIT or data[8:9] != b"{":
        raise ModelFileError(
            f"{source} is not a Backpass file: it is {recognise(data)}",
            hint="give a file that `backpass fit` wrote; other formats are never loaded, some of them can run code",
        )
    if length > len(data) - 8:
        raise _damaged(source, f"it is cut short (its header should be {length} bytes long, {len(data) - 8} are there)")
    return length


def _read_object(text: bytes, where: str) -> dict[str, JSON]:
    value = read_json(text, where)
    if not isinstance(value, dict):
        raise _refusal(where, "is not a JSON object", "an object")
    return value


def _read_record(entries: dict[str, JSON], kind: str, source: str) -> tuple[dict[str, JSON], str]:
    """Facts and digest, once format and kind are the ones asked for."""
    metadata = entries.get("__metadata__")
    text = metadata.get("backpass") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(text, str):
        raise ModelFileError(
            f"{source} is a safetensors file, but not one that Backpass wrote (no 'backpass' record in its header)",
            hint="give a file that `backpass fit` wrote",
        )
    record = _read_object(text.encode("utf-8"), f"{source}: the record")
    version = record.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _damaged(source, "its record has no format number")
    if version > FORMAT:
        raise ModelFileError(
            f"{source} has format {version}; this version of Backpass reads format {FORMAT} and below",
            hint="install a newer Backpass: pip install --upgrade backpass",
        )
    if record.get("kind") != kind:
        raise _wrong_kind(record.get("kind"), kind, source)
    facts, digest = record.get("facts"), record.get("sha256")
    if not isinstance(facts, dict) or not isinstance(digest, str) or len(record) != 4 or len(metadata) != 1:
        raise _damaged(source, "its record should have exactly the keys facts, format, kind and sha256")
    return facts, digest


def _read_layout(entries: dict[str, JSON], source: str) -> Layout:
    """What the header says of each array; where each lies follows from it, and is compared later."""
    layout: Layout = {}
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        code = entry.get("dtype") if isinstance(entry, dict) else None
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not isinstance(code, str) or code not in DTYPES:
            raise _refusal(
                source, f"has an array {name[:60]!r} of dtype {str(code)[:20]!r}", f"one of {', '.join(DTYPES)}"
            )
        if not isinstance(shape, list) or any(type(length) is not int for length in shape):
            raise _damaged(source, f"array {name[:60]!r} has no shape")
        layout[name] = (code, tuple(length for length in shape if isinstance(length, int)))
    return layout


def _payload(data: bytes, begin: int, layout: Layout, source: str) -> list[memoryview]:
    """The bytes of each array, which must fill the file exactly."""
    sizes = [DTYPES[code].itemsize * math.prod(shape) for code, shape in layout.values()]
    expected = begin + sum(sizes)
    if len(data) != expected:
        what = "is cut short" if len(data) < expected else "has bytes after its end"
        raise _damaged(source, f"it {what} (expected {expected} bytes, got {len(data)})")
    parts = []
    for size in sizes:
        parts.append(memoryview(data)[begin : begin + size])
        begin += size
    return parts


def _load(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = {name: np.array(array, order="C") for name, array in load(data).items()}
    except (SafetensorError, ValueError) as error:
        raise _damaged(source, f"the safetensors library refuses it ({error})") from error
    for name, array in arrays.items():
        if array.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
            raise _damaged(source, f"array {name!r} has truth values that are neither 0 nor 1")
    return arrays


# Refusing


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise UsageError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    return kind


def _refusal(where: str, came: str, expected: str) -> ModelFileError:
    return ModelFileError(f"{where} {came}", hint=f"expected {expected}")


def _damaged(source: str, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{source} is damaged: {reason}",
        hint="copy or download the file again, or write it anew; nothing was loaded from it",
    )


def _wrong_kind(came: JSON, expected: str, source: str) -> ModelFileError:
    if came == "checkpoint" and expected == "model":
        hint = "a checkpoint is for resuming its training run; the run writes a model file when it ends"
    elif came == "model" and expected == "checkpoint":
        hint = "a model file is finished and cannot be resumed; give the checkpoint of the run"
    else:
        hint = "give a file that `backpass fit` wrote"
    found = f"a {came}" if came in KINDS else "of an unknown kind"
    return ModelFileError(f"{source} is {found}, expected a {expected}", hint=hint)
