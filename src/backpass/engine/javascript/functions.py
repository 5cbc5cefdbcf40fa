"""Functions: the JavaScript functions that scripts call, from ``functions.js``, without comments and indents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

_OF_MATH = (
    *("fround:f", "PI", "abs", "atan", "cos", "exp", "expm1", "floor", "imul", "log", "log1p", "max", "min", "pow"),
    *("sign", "sin", "sqrt", "tanh", "trunc"),
)
_MAKERS = tuple(
    f"{letter}=n=>new {kind}Array(n)"
    for letter, kind in {"F": "Float32", "D": "Float64", "I": "Int32", "U": "Uint8"}.items()
)


def _base(of_math: Sequence[str], makers: Sequence[str]) -> str:
    parts = [*([f"{{{','.join(of_math)}}}=Math"] if of_math else []), *makers]
    return f"const{' ' if parts and not of_math else ''}{','.join(parts)};" if parts else ""


BASE = _base(_OF_MATH, _MAKERS)
"""What every script needs: the functions of Math by their names, and those that make arrays."""


def functions_source(names: Iterable[str], scripts: Iterable[str] | None = None) -> str:
    """The source of what scripts need, and of the functions that they call, to stand before them.

    Args:
        names: The functions.
        scripts: The scripts, which need no more functions of Math and of arrays than they name. Default None: any.

    Example:
        >>> functions_source(["relu"], ["t0[i]=relu(sqrt(a0[i]))"])
        'const{sqrt}=Math;function relu(x){return x<0?0:x}'
    """
    functions = "".join(_functions()[name] for name in sorted(set(names)))
    if scripts is None:
        return BASE + functions
    used = {*re.findall(r"\w+", " ".join([*scripts, functions]))}
    of_math = [each for each in _OF_MATH if each.rpartition(":")[2] in used]
    makers = [each for each in _MAKERS if each[0] in used]
    return _base(of_math, makers) + functions


@cache
def _functions() -> dict[str, str]:
    text = (Path(__file__).parent / "functions.js").read_text("utf-8")
    return {match[1]: compact(match[0]) for match in re.finditer(r"^function (\w+)\(.*?^}$", text, re.M | re.S)}


KEPT = re.compile(r"""("(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|/(?! )(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n\[])+/[a-z]*)""")
"""Texts, templates and patterns; a slash that divides has a space behind it."""


def compact(source: str) -> str:
    """JavaScript without lines of comments, indents and spaces beside operators; every statement has its semicolon.

    >>> compact("// Doubles.\\nfunction f(x) {\\n  return x / 2 + \\" a b\\";\\n}")
    'function f(x){return x/2+" a b"}'
    """
    return "".join(compact_pieces(source))


def compact_pieces(source: str) -> list[str]:
    """Compact JavaScript in pieces: code, and in every second place a text, a template or a pattern."""
    lines = (line.strip() for line in source.splitlines())
    text = " ".join(line for line in lines if line and not line.startswith("//"))
    pieces: list[str] = KEPT.split(text)
    pieces[::2] = [
        re.sub(r" ?([-+*/%<>=!?:;,&|^(){}\[\]]+) ?", r"\1", piece).replace(";}", "}") for piece in pieces[::2]
    ]
    return pieces
