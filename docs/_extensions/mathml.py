"""MathML: sets the formulas of the pages at build time, so that no script and no font has to be loaded."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

_KNOWN = {"{aligned}": "{align*}", ":=": r"\coloneqq "}
"""TeX that the converter does not know -> the same in TeX that it knows."""


def mathml(formula: str, *, block: bool) -> str:
    """A formula in TeX as a ``<math>`` element.

    >>> made = mathml(r"\\begin{aligned} a &= b \\\\ c &:= d \\end{aligned}", block=True)
    >>> made.count("<mtr>"), made.count("<mtd"), "&" in made.replace("&#x", ""), "02254" in made
    (2, 4, False, True)
    >>> mathml("a & b", block=False)
    Traceback (most recent call last):
    ValueError: & outside of a table
    """
    for written, known in _KNOWN.items():
        formula = formula.replace(written, known)
    made = convert(formula.strip(), display="block" if block else "inline")
    if "<mi>&</mi>" in made:
        raise ValueError("& outside of a table")
    return re.sub(r' xmlns="[^"]*"', "", made, count=1)


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    self.body.append(f'<div class="math">{number}{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def _check(app: Sphinx, doctree: nodes.document) -> None:
    """Fail at a formula that cannot be set, naming it."""
    for node in (*doctree.findall(nodes.math), *doctree.findall(nodes.math_block)):
        try:
            mathml(node.astext(), block=isinstance(node, nodes.math_block))
        except Exception as error:
            raise ExtensionError(f"{app.env.docname}: cannot set the formula {node.astext()!r}: {error}") from error


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("doctree-read", _check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
