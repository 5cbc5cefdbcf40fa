"""The fuzzing of model files: whatever bytes are given, they are read or refused with a ModelFileError, nothing else.

A target of ``fuzz``. The tests replay the corpus in tests/model/corpus, and mutations of it.

Almost every mutation breaks the checksum, behind which nothing would be reached. So each input is read twice: as it
is, and with the digest that it should have.
"""

from __future__ import annotations

import contextlib
import hashlib

from backpass.errors import ModelFileError
from backpass.model import from_bytes
from backpass.model.file.container import DIGITS, FORMAT, OPENING, ZEROS, pack, unpack
from backpass.model.file.file_errors import KINDS


def sealed(data: bytes) -> bytes:
    """The bytes with the digest that a file of the newest format would have."""
    if len(data) < DIGITS.stop:
        return data
    digest = hashlib.sha256(data[: DIGITS.start] + ZEROS + data[DIGITS.stop :]).hexdigest().encode()
    return data[: DIGITS.start] + digest + data[DIGITS.stop :]


def read(data: bytes) -> int:
    """Read bytes as every kind of file; how many readings gave content.

    Errors: AssertionError for content of two forms, and whatever else a reader lets through.
    """
    return sum(_opens(each, kind) for each in {data, sealed(data)} for kind in KINDS)


def _opens(data: bytes, kind: str) -> bool:
    try:
        facts, arrays = unpack(data, kind, "fuzz")
    except ModelFileError:
        return False
    opening = OPENING.match(data, 8)
    if opening is not None and int(opening[1]) == FORMAT:
        assert pack(kind, facts, arrays) == data, "one content, one form"
    if kind == "model":
        with contextlib.suppress(ModelFileError):
            assert from_bytes(data).theta.size > 0
    return True
