"""The arrays of a file: their layout and their bytes.

It maps named arrays to a layout (names, dtypes and shapes in file order), to the entries of a safetensors header that
describe it, and to the bytes behind the header; and all of that back to arrays. Arrays are stored widest dtype first,
then by name, little endian, row by row, without gaps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.model.file.file_errors import damaged, file_error

ARRAY_LIMIT = 10_000
DIMENSION_LIMIT = 8
LENGTH_LIMIT = 1 << 31

METADATA = "__metadata__"
"""The only key of a safetensors header that is not an array."""

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
"""Code in the file -> dtype, widest first: arrays have this order, so each starts at a multiple of its item size."""

Layout: TypeAlias = dict[str, tuple[str, tuple[int, ...]]]
"""Array name -> (dtype code, shape), in file order."""


def lay_out(arrays: Mapping[str, NDArray[Any]], where: str) -> tuple[Layout, list[bytes]]:
    """The layout of arrays and the bytes of each, in file order.

    Raises:
        ModelFileError: A name, dtype or shape is one that files cannot hold.
    """
    stored = {name: _stored(name, array, where) for name, array in arrays.items()}
    layout = _ordered({name: (_code(array.dtype), array.shape) for name, array in stored.items()}, where)
    return layout, [stored[name].tobytes() for name in layout]


def entries_of(layout: Layout) -> dict[str, Any]:
    """The header entry of each array: its dtype, its shape, and its first and last byte behind the header."""
    entries, begin = {}, 0
    for name, (code, shape) in layout.items():
        end = begin + _size(code, shape)
        entries[name] = {"dtype": code, "shape": list(shape), "data_offsets": [begin, end]}
        begin = end
    return entries


def read_layout(entries: Mapping[str, Any], source: str) -> Layout:
    """The layout that a header describes. The position of each array follows from it, and is compared later.

    Raises:
        ModelFileError: The header describes no valid layout.
    """
    layout: Layout = {}
    for name, entry in entries.items():
        if name == METADATA:
            continue
        code = entry.get("dtype") if isinstance(entry, dict) else None
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not isinstance(code, str) or code not in DTYPES:
            raise file_error(
                source, f"has an array {name[:60]!r} of dtype {str(code)[:20]!r}", f"one of {', '.join(DTYPES)}"
            )
        if not isinstance(shape, list) or any(type(length) is not int for length in shape):
            raise damaged(source, f"array {name[:60]!r} has no shape")
        layout[name] = (code, tuple(shape))
    return _ordered(layout, source)


def parts_of(data: bytes, begin: int, layout: Layout, source: str) -> list[memoryview]:
    """The bytes of each array. Nothing is copied before the sizes are checked.

    Raises:
        ModelFileError: The arrays do not fill the file exactly.
    """
    sizes = [_size(code, shape) for code, shape in layout.values()]
    expected = begin + sum(sizes)
    if len(data) != expected:
        what = "is cut short" if len(data) < expected else "has bytes after its end"
        raise damaged(source, f"it {what} (expected {expected} bytes; got {len(data)})")
    parts = []
    for size in sizes:
        parts.append(memoryview(data)[begin : begin + size])
        begin += size
    return parts


def load_arrays(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file with a verified layout, by name: writable, contiguous, owning their memory.

    Raises:
        ModelFileError: The arrays cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = {name: np.array(array, order="C") for name, array in sorted(load(data).items())}
    except (SafetensorError, ValueError) as error:
        raise damaged(source, f"the safetensors library rejects it ({error})") from error
    for name, array in arrays.items():
        if array.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
            raise damaged(source, f"array {name!r} has booleans that are neither 0 nor 1")
    return arrays


def require_finite(kind: str, arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Reject a model that contains NaN or infinity; a checkpoint may hold the state of a run that diverged."""
    if kind != "model":
        return
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            count = int(np.count_nonzero(~np.isfinite(array)))
            raise file_error(
                where, f"has {count} of {array.size} numbers in {name!r} that are not finite", "finite numbers"
            )


def _stored(name: str, array: NDArray[Any], where: str) -> NDArray[Any]:
    """The array as the file stores it: little endian, row by row."""
    if array.dtype.kind not in "fiub" or array.dtype.newbyteorder("<") not in DTYPES.values():
        raise file_error(where, f"has an array {name!r} of dtype {array.dtype}", f"one of {', '.join(DTYPES)}")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _code(dtype: np.dtype[Any]) -> str:
    return next(code for code, known in DTYPES.items() if known == dtype)


def _size(code: str, shape: tuple[int, ...]) -> int:
    return DTYPES[code].itemsize * math.prod(shape)


def _ordered(layout: Layout, where: str) -> Layout:
    """The layout in file order, with names and shapes checked."""
    if len(layout) > ARRAY_LIMIT:
        raise file_error(where, f"has {len(layout)} arrays", f"at most {ARRAY_LIMIT}")
    for name, (_, shape) in layout.items():
        if not (0 < len(name) <= 200 and name.isascii() and name.isprintable() and name != METADATA):
            raise file_error(where, f"has an array called {name[:60]!r}", "1 to 200 printable ASCII characters")
        if len(shape) > DIMENSION_LIMIT or any(not 0 <= length <= LENGTH_LIMIT for length in shape):
            expected = f"at most {DIMENSION_LIMIT} dimensions of at most {LENGTH_LIMIT} each"
            raise file_error(where, f"has an array {name!r} of shape {shape[:9]}", expected)
    rank = {code: position for position, code in enumerate(DTYPES)}
    return dict(sorted(layout.items(), key=lambda item: (rank[item[1][0]], item[0])))
