"""Functions: the JavaScript functions that scripts call, from ``functions.js``, without comments and indents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

BASE = (
    "const{fround:f,PI,abs,atan,cos,exp,expm1,floor,imul,log,log1p,max,min,pow,sign,sin,sqrt,tanh,trunc}=Math,"
    "F=n=>new Float32Array(n),D=n=>new Float64Array(n),I=n=>new Int32Array(n),U=n=>new Uint8Array(n);"
)
"""What every script needs: the functions of Math by their names, and those that make arrays."""


def functions_source(names: Iterable[str]) -> str:
    """The source of what scripts need, and of the functions that they call, to stand before them.

    >>> functions_source(["relu"]).removeprefix(BASE)
    'function relu(x){return x<0?0:x}'
    """
    known = _functions()
    return BASE + "".join(known[name] for name in sorted(set(names)))


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
    lines = (line.strip() for line in source.splitlines())
    text = " ".join(line for line in lines if line and not line.startswith("//"))
    pieces = KEPT.split(text)
    pieces[::2] = [
        re.sub(r" ?([-+*/%<>=!?:;,&|^(){}\[\]]+) ?", r"\1", piece).replace(";}", "}") for piece in pieces[::2]
    ]
    return "".join(pieces)
