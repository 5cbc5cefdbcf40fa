"""Expressions: pieces of the text format of WebAssembly, on locals and numbers of type i32."""

from __future__ import annotations


def get(name: str) -> str:
    return f"(local.get ${name})"


def const(value: int) -> str:
    return f"(i32.const {value})"


def put(name: str, value: str) -> str:
    return f"(local.set ${name} {value})"


def add(a: str, b: str) -> str:
    return f"(i32.add {a} {b})"


def times(a: str, b: str) -> str:
    return f"(i32.mul {a} {b})"


def bump(name: str, by: str) -> str:
    return put(name, add(get(name), by))


def when(condition: str, *then: str) -> str:
    return f"(if {condition} (then {' '.join(then)}))"


def loop(label: str, again: str, *body: str) -> str:
    """The body, at least once, and again while the condition holds."""
    return f"(loop ${label} {' '.join(body)} (br_if ${label} {again}))"


def both(a: str, b: str) -> str:
    return f"(i32.and {a} {b})"


def at_most(a: str, b: str) -> str:
    return f"(i32.le_u {a} {b})"


def below(a: str, b: str) -> str:
    return f"(i32.lt_u {a} {b})"


def equal(a: str, b: str) -> str:
    return f"(i32.eqz (i32.sub {a} {b}))"
