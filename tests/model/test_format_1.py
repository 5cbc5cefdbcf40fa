"""The first format: its files are read as they were written, and nothing else passes for one of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.errors import ModelFileError
from backpass.model.file import format_1
from backpass.model.file.container import pack, unpack

KEPT = Path(__file__).parents[1] / "model_files" / "format_1_arithmetic_1"
DATA = (KEPT / "regression.backpass").read_bytes()
END = 8 + int.from_bytes(DATA[:8], "little")


def refused(data: bytes, kind: str = "model") -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        unpack(data, kind, "m.backpass")
    return caught.value


def forged(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The file with another record."""
    entries = json.loads(DATA[8:END])
    record = json.loads(entries["__metadata__"]["backpass"])
    change(record)
    entries["__metadata__"]["backpass"] = json.dumps(record, sort_keys=True, separators=(",", ":"))
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + DATA[END:]


def test_what_it_holds_is_written_in_the_newest_format() -> None:
    assert format_1.is_first(DATA)
    facts, arrays = unpack(DATA, "model", "m")
    data = pack("model", facts, arrays)
    assert not format_1.is_first(data)
    again = unpack(data, "model", "m")
    assert again[0] == facts
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[1][name], array)


def test_every_changed_byte_is_found() -> None:
    """One bit of each byte, another one from byte to byte; and every bit where the header begins and ends."""
    damaged = bytearray(DATA)
    near = {*range(60), *range(END - 60, END + 8)}
    for position in range(len(DATA)):
        for bit in range(8) if position in near else [position % 8]:
            damaged[position] ^= 1 << bit
            refused(bytes(damaged))
            damaged[position] ^= 1 << bit
    unpack(bytes(damaged), "model", "m")


def test_every_truncation_is_found() -> None:
    for length in range(len(DATA)):
        refused(DATA[:length])
    assert "has bytes after its end" in refused(DATA + b"\0").message


def test_a_change_without_its_checksum_is_found() -> None:
    assert "its checksum does not match" in refused(forged(lambda record: record["facts"].update(more=1))).message


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"format": 0}, {"format": True}, {"format": "1"}, {"facts": []}, {"more": 1}, {"kind": "table"}],
    ids=str,
)
def test_another_record_is_refused(change: dict[str, Any]) -> None:
    refused(forged(lambda record: record.update(change)))


def test_the_kind_is_asked_for() -> None:
    assert refused(DATA, "checkpoint").message == "m.backpass is a model; expected a checkpoint"
