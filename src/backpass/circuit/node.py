"""Node: one operation of a circuit, with the user's source line that recorded it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from backpass.circuit.primitive import Primitive
from backpass.circuit.spec import Spec
from backpass.dataclass import dataclass

OPERATIONS: dict[str, Primitive] = {}
"""Every declared operation by name. Traced values look their operators and methods up here."""

_PACKAGE = str(Path(__file__).resolve().parents[1])


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation of a circuit.

    Attributes:
        operation: The operation.
        inputs: The indices of the nodes that it reads.
        params: The parameters other than arrays.
        spec: The shape and dtype of the value.
        label: The scope that was active when it was recorded; see ``label``.
        line: The user's source line, as ``file:line``.
        names: The names of the value, such as z1; see ``named``.
    """

    operation: Primitive
    inputs: tuple[int, ...]
    params: Mapping[str, Any]
    spec: Spec
    label: str
    line: str
    names: tuple[str, ...] = ()


def user_line() -> str:
    """The user's source line: the innermost frame outside this package, as ``file:line``."""
    frame = innermost = sys._getframe(2)
    while _is_own(frame.f_code.co_filename) and frame.f_back is not None:
        frame = frame.f_back
    if _is_own(frame.f_code.co_filename):
        frame = innermost
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


@cache
def _is_own(filename: str) -> bool:
    """Whether a source file belongs to this package."""
    return filename.startswith(_PACKAGE)
