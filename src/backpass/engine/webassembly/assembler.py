"""Assembler: functions in the text format of WebAssembly -> the bytes of a module.

Takes folded expressions, ``(f32.add (local.get $x) (f32.const 1))``, of the instructions in ``opcodes``. Every function
is exported by its name, and the module imports one memory, ``m.memory``. What the functions compute lives elsewhere.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from backpass.engine.webassembly.opcodes import LANES, MEMORY, PLAIN, TYPES, VECTOR
from backpass.errors import CircuitError

Form = list[Any]
"""A parenthesized expression: words, and other expressions."""

_TOKEN = re.compile(r";;[^\n]*|\(|\)|[^\s()]+")
_NO_RESULT = 0x40


def assembled(text: str) -> bytes:
    """The module of functions in the text format.

    Args:
        text: Functions, ``(func $name (param $x i32) ... (local $i i32) ... instructions)``. A function returns a value
            if it has ``(result type)``.

    Returns:
        The bytes, which ``new WebAssembly.Module`` takes.

    Raises:
        CircuitError: An instruction is not in the tables, or a name is not defined.

    Example:
        >>> len(assembled("(func $twice (param $x i32) (result i32) (i32.shl (local.get $x) (i32.const 1)))"))
        57
    """
    functions = _forms(text)
    numbers = {form[1]: number for number, form in enumerate(functions)}
    signatures = [_signature(form) for form in functions]
    kinds = list(dict.fromkeys(signatures))
    sections = [
        (1, _vector(b"\x60" + _vector_of(takes) + _vector_of(gives) for takes, gives in kinds)),
        (2, _vector([_name("m") + _name("memory") + b"\x02\x00\x01"])),
        (3, _vector(_unsigned(kinds.index(each)) for each in signatures)),
        (7, _vector(_name(name[1:]) + b"\x00" + _unsigned(number) for name, number in numbers.items())),
        (10, _vector(_sized(_Body(form, numbers).encoded()) for form in functions)),
    ]
    return b"\x00asm\x01\x00\x00\x00" + b"".join(bytes([number]) + _sized(body) for number, body in sections)


def _forms(text: str) -> list[Form]:
    stack: list[Form] = [[]]
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        elif not token.startswith(";;"):
            stack[-1].append(token)
    return stack[0]


Signature = tuple[tuple[str, ...], tuple[str, ...]]


def _signature(form: Form) -> Signature:
    takes = tuple(each[2] for each in _declared(form, "param"))
    return takes, tuple(each[1] for each in _declared(form, "result"))


def _declared(form: Form, word: str) -> list[Form]:
    return [each for each in form[2:] if isinstance(each, list) and each[0] == word]


class _Body:
    """The code of one function."""

    def __init__(self, form: Form, functions: Mapping[str, int]) -> None:
        self.functions = functions
        self.params, self.variables = _declared(form, "param"), _declared(form, "local")
        self.places = {each[1]: number for number, each in enumerate([*self.params, *self.variables])}
        self.labels: list[str] = []
        declared = ("param", "result", "local")
        self.instructions = [each for each in form[2:] if each[0] not in declared]

    def encoded(self) -> bytes:
        variables = _vector(b"\x01" + bytes([TYPES[each[2]]]) for each in self.variables)
        return variables + self._all(self.instructions) + b"\x0b"

    def _all(self, forms: Sequence[Form]) -> bytes:
        return b"".join(map(self._one, forms))

    def _one(self, form: Form) -> bytes:
        word, *rest = form
        if word in CONTROL:
            return CONTROL[word](self, rest)
        operands = self._all([each for each in rest if isinstance(each, list)])
        return operands + self._encoded(word, [each for each in rest if isinstance(each, str)])

    def _encoded(self, word: str, immediates: Sequence[str]) -> bytes:
        if word in PLAIN:
            return bytes([PLAIN[word]])
        if word in VECTOR:
            return b"\xfd" + _unsigned(VECTOR[word])
        if word in MEMORY:
            code, alignment = MEMORY[word]
            return bytes(code) + _address(alignment, immediates)
        if word in LANES:
            code, store = LANES[word]
            address = b"" if store is None else _address(store, immediates[:-1])
            return bytes(code) + address + bytes([int(immediates[-1])])
        if word == "i8x16.shuffle":
            return b"\xfd\x0d" + bytes(map(int, immediates))
        if word in LOCALS:
            return bytes([LOCALS[word]]) + _unsigned(self._place(immediates[0]))
        if word in CONSTANTS:
            return CONSTANTS[word](immediates[0])
        if word == "call" and immediates[0] in self.functions:
            return b"\x10" + _unsigned(self.functions[immediates[0]])
        if word == "br_if" and immediates[0] in self.labels:
            return b"\x0d" + _unsigned(self.labels[::-1].index(immediates[0]))
        raise CircuitError(f"WebAssembly: {' '.join([word, *immediates])} is not known")

    def _place(self, name: str) -> int:
        if name not in self.places:
            raise CircuitError(f"WebAssembly: there is no local {name}")
        return self.places[name]

    def block(self, opcode: int, label: str, forms: Sequence[Form]) -> bytes:
        self.labels.append(label)
        inner = self._all(forms)
        self.labels.pop()
        return bytes([opcode, _NO_RESULT]) + inner + b"\x0b"

    def condition(self, forms: Sequence[Form]) -> bytes:
        """(if condition (then ...) (else ...))"""
        test, *branches = forms
        self.labels.append("")
        inner = b"\x05".join(self._all(branch[1:]) for branch in branches)
        self.labels.pop()
        return self._one(test) + bytes([0x04, _NO_RESULT]) + inner + b"\x0b"


CONTROL: Mapping[str, Callable[[_Body, Form], bytes]] = MappingProxyType(
    {
        "block": lambda body, rest: body.block(0x02, rest[0], rest[1:]),
        "loop": lambda body, rest: body.block(0x03, rest[0], rest[1:]),
        "if": lambda body, rest: body.condition(rest),
    }
)
LOCALS: Mapping[str, int] = MappingProxyType({"local.get": 0x20, "local.set": 0x21, "local.tee": 0x22})
CONSTANTS: Mapping[str, Callable[[str], bytes]] = MappingProxyType(
    {
        "i32.const": lambda text: b"\x41" + _signed(int(text)),
        "i64.const": lambda text: b"\x42" + _signed(int(text)),
        "f32.const": lambda text: b"\x43" + struct.pack("<f", float(text)),
        "f64.const": lambda text: b"\x44" + struct.pack("<d", float(text)),
    }
)


def _address(alignment: int, immediates: Sequence[str]) -> bytes:
    offset = next((int(each.removeprefix("offset=")) for each in immediates), 0)
    return _unsigned(alignment) + _unsigned(offset)


def _unsigned(value: int) -> bytes:
    """LEB128"""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _signed(value: int) -> bytes:
    """LEB128 in two's complement"""
    groups = bytearray()
    while not -0x40 <= value < 0x40:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value & 0x7F])


def _sized(body: bytes) -> bytes:
    return _unsigned(len(body)) + body


def _name(text: str) -> bytes:
    return _sized(text.encode("utf-8"))


def _vector(items: Iterator[bytes] | Sequence[bytes]) -> bytes:
    parts = [*items]
    return _unsigned(len(parts)) + b"".join(parts)


def _vector_of(types: Sequence[str]) -> bytes:
    return _unsigned(len(types)) + bytes(TYPES[each] for each in types)
