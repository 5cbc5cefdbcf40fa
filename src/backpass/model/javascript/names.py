"""Names: the identifiers of the readers, shortened in the text of a module.

Takes JavaScript such as ``numbers.js``; returns it compact, with short names. What a module exports,
properties, texts and the objects of JavaScript keep their names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import chain, product
from string import ascii_letters

from backpass.engine.javascript import compact_pieces

_DECLARED = re.compile(r"(?:\b(?:const|let|function) |[(,\[]|\.\.\.)([A-Za-z_]\w{3,})(?=[=,)\](]| of )")
"""Names in the places of declarations, and in some others."""
_SHORTHANDS = re.compile(r"\{([\w,]*)\}")
_PUBLIC = frozenset({"data", "steps", "target", "classes", "columns", "predict"})
"""Names that the rest of a module, or its user, knows."""
_JAVASCRIPT = frozenset(
    {
        *("Array", "Date", "Float32Array", "Float64Array", "Infinity", "Int32Array", "JSON", "Map", "Math", "Number"),
        *("Object", "String", "TypeError", "Uint8Array", "atob"),
        *("null", "true", "false", "throw", "typeof", "undefined"),
    }
)
_LETTERS = "ACEGHJKLMNOPQRSTV"
"""Names of one letter that neither scripts nor the functions which they call have outside of a function."""
_LONE = re.compile(r"\(([\w$]+)\)=>")
"""The only parameter of an arrow function, whose parentheses are not needed."""
_INTERPOLATED = re.compile(r"(?<=\$\{)[^}]*(?=\})")


def shortened(source: str) -> str:
    """The source, compact, with a short name for each identifier of at least four letters that it declares.

    >>> shortened("const width = 2;\\nfunction areaOf(height) {\\n  return width * height.value;\\n}")
    'const C=2;function E(A){return C*A.value}'
    """
    pieces = compact_pieces(source)
    code = " ".join([*pieces[::2], *(text for piece in pieces[1::2] for text in _INTERPOLATED.findall(piece))])
    shorthands = {name for group in _SHORTHANDS.findall(code) for name in group.split(",")}
    counts = Counter(re.findall(r"\w+", code))
    declared = dict.fromkeys(_DECLARED.findall(code))
    names = sorted(declared.keys() - _PUBLIC - _JAVASCRIPT - shorthands, key=lambda name: (-counts[name], name))
    more = (f"${''.join(each)}" for size in (1, 2) for each in product(ascii_letters, repeat=size))
    short = dict(zip(names, chain(_LETTERS, more), strict=False))
    pieces[::2] = [_renamed(piece, short) for piece in pieces[::2]]
    pieces[1::2] = [_INTERPOLATED.sub(lambda match: _renamed(match[0], short), piece) for piece in pieces[1::2]]
    return "".join([_LONE.sub(r"\1=>", piece) if i % 2 == 0 else piece for i, piece in enumerate(pieces)])


def _renamed(code: str, short: Mapping[str, str]) -> str:
    """Code with other names, but for properties and the keys of objects."""

    def name(match: re.Match[str]) -> str:
        is_key = code[match.end() : match.end() + 1] == ":" and code[: match.start()].endswith(("{", ","))
        return match[0] if is_key else short.get(match[0], match[0])

    return re.sub(r"(?<![\w$])(?<!(?<!\.\.)\.)[A-Za-z_]\w*", name, code)
