"""Content sniffing: guesses the type of a foreign file from its first bytes.

``sniff`` takes bytes and returns a few words for a message. It does not parse, unpack or run anything.
"""

from __future__ import annotations

import re

from backpass.table.files.signatures import foreign_binary
from backpass.table.formats.registry import format_of

MAGIC = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"x\x01", "a zlib stream (joblib?)"),
    (b"x\x5e", "a zlib stream (joblib?)"),
    (b"x\x9c", "a zlib stream (joblib?)"),
    (b"x\xda", "a zlib stream (joblib?)"),
    (b"\x5d\x00\x00", "an lzma archive (joblib?)"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"PAR1", "a Parquet table"),
)
"""In addition to ``backpass.table.files.signatures``, which covers files that are not tables."""

ZIPPED = (
    (b"data.pkl", "a PyTorch file (a zip archive with a pickle inside)"),
    (b"model.weights.h5", "a Keras model (a zip archive)"),
    (b".npy", "a NumPy .npz archive (zip)"),
    (b"xl/", "an Excel workbook (a zip archive)"),
)

BINARY_PICKLE = re.compile(rb"\x80[\x02-\x05][^\x00]")
TEXT_PICKLE = re.compile(rb"(?:\([dlt]?p?\d*\n|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n|[}\])][qr]|[IFSVL][^\n]*\np\d+\n)")
PROTOBUF = re.compile(rb"\x08[\x01-\x1f][\x12\x1a\x22\x3a\x42]")
"""An ONNX model starts with field 1 (its version, a small number), followed by one of the next fields."""


def sniff(data: bytes, size: int | None = None) -> str:
    """A few words for what the bytes are.

    Args:
        data: The bytes, or the first bytes of a file.
        size: The size of the file, if ``data`` holds only its first bytes.

    >>> sniff(b"\\x80\\x04\\x95rest"), sniff(b"price,rooms\\n1,2\\n"), sniff(b"")
    ('a pickle (joblib?), which can run code', 'a text file (a table, or JSON?)', 'empty (0 bytes)')
    """
    if not data:
        return "empty (0 bytes)"
    if data.startswith(b"PK"):
        names = data[:4096] + data[-65536:]
        return next((words for mark, words in ZIPPED if mark in names), "a zip archive (PyTorch, Keras, skops?)")
    if BINARY_PICKLE.match(data) or (TEXT_PICKLE.match(data) and data.rstrip().endswith(b".")):
        return "a pickle (joblib?), which can run code"
    for magic, words in MAGIC:
        if data.startswith(magic):
            return words
    if known := format_of(data) or foreign_binary(data):
        return known.what
    if PROTOBUF.match(data):
        return "a protobuf message (an ONNX model?)"
    if _is_text(data[:4096]):
        return "a text file (a table, or JSON?)"
    if data[8:9] == b"{":
        return f"a safetensors file whose header claims {int.from_bytes(data[:8], 'little')} bytes"
    return f"something unknown ({len(data) if size is None else size} bytes)"


def _is_text(head: bytes) -> bool:
    """Whether this is UTF-8 (possibly cut within a character) without control characters other than white space."""
    text = head.decode("utf-8", errors="ignore")
    whole = len(text.encode("utf-8")) >= len(head) - 3
    return whole and all(character.isprintable() or character in "\t\r\n\ufeff" for character in text)
