"""Strict JSON: the text form of the facts in our files, with exactly one text per value.

``write_json`` takes plain values and returns canonical text; ``read_json`` takes untrusted text and returns plain
values, or raises an error. Both enforce the same limits: string keys, no duplicate keys, depth up to 32, 64-bit
integers, finite numbers, no lone surrogates. ``form`` gives the values their meaning.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from backpass.errors import ModelFileError

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
"""Sequences are lists or tuples (lists when read back), mappings are dictionaries."""

DEPTH_LIMIT = 32
SMALLEST, LARGEST = -(1 << 63), (1 << 64) - 1
"""Integers outside this range are neither int64 nor uint64 (a seed), and long ones take quadratic time to read."""

TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
"""A string, terminated or not (so that no text takes more than linear time), or a bracket."""


def write_json(value: JSON, where: str) -> str:
    """Canonical text: sorted keys, no spaces, ASCII only, the shortest decimals that read back exactly.

    Raises:
        ModelFileError: A value cannot be stored.

    >>> write_json({"rows": 3, "name": "caf\\u00e9", "mean": 0.1}, "this model")
    '{"mean":0.1,"name":"caf\\\\u00e9","rows":3}'
    """
    _check(value, where, 1)
    return json.dumps(value, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def read_json(data: bytes, where: str) -> JSON:
    """The value of UTF-8 text from an untrusted file.

    Raises:
        ModelFileError: The text exceeds one of the limits.

    >>> read_json(b'{"rows": 3}', "the header")
    {'rows': 3}
    """
    try:
        text = data.decode("utf-8")
        _check_depth(text)
        value: JSON = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_bounded,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{where} is not the JSON that Backpass writes: {str(error)[:200]}",
            hint="copy or download the file again, or write it again; nothing was loaded",
        ) from error
    _check(value, where, 1)
    return value


def _check(value: JSON, where: str, depth: int) -> None:
    """Reject what JSON, or the limits above, cannot represent."""
    message = _why_not(value, depth)
    if message:
        raise ModelFileError(
            f"{where} has a value that cannot be stored: {message}", hint="plain finite JSON values only"
        )
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, where, depth)
            _check(inner, where, depth + 1)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check(inner, where, depth + 1)


def _why_not(value: Any, depth: int) -> str:
    if isinstance(value, dict) and any(type(key) is not str for key in value):
        return "a key that is not text"
    if isinstance(value, (dict, list, tuple)):
        return f"nested deeper than {DEPTH_LIMIT}" if depth > DEPTH_LIMIT else ""
    if isinstance(value, str):
        return "" if is_encodable(value) else f"text with an unpaired surrogate, {value[:40]!r}"
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"the number {value}"
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return "" if SMALLEST <= value <= LARGEST else "an integer of more than 64 bits"
    return f"a value of type {type(value).__name__}"


def is_encodable(text: str) -> bool:
    """Whether UTF-8 can hold a text: it has no half of a character (a lone surrogate)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_depth(text: str) -> None:
    """Reject deep nesting before the parser recurses into it."""
    depth = 0
    for token in TOKEN.finditer(text):
        first = text[token.start()]
        if first == '"':
            continue
        depth += 1 if first in "[{" else -1
        if depth > DEPTH_LIMIT:
            raise ValueError(f"nested deeper than {DEPTH_LIMIT}")


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return values


def _no_constant(text: str) -> JSON:
    raise ValueError(f"the number {text}")


def _bounded(text: str) -> int:
    if len(text) > 20 or not SMALLEST <= int(text) <= LARGEST:
        raise ValueError("an integer of more than 64 bits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text) if len(text) <= 40 else math.nan
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]}")
    return value
