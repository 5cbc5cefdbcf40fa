"""Lessons: pictures inside the pages, links to the items of the notes, and the notebooks to download.

``{notes}`3.12``` links to an item, ``{playground}`text <hidden=1&m1=1>``` to the playground in that state. ``{picture}
NAME`` shows a picture of docs/lessons/pictures as part of the page, so that it follows the colors of the page. The line
under the title of a lesson names its items; the build fails if a lesson lacks one of them or a link to the playground,
if an item has no lesson, or if a page is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from pygments.lexers.special import OutputLexer
from run_lessons import LESSONS as FOLDER
from run_lessons import notebook_text, picture_path
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import ReferenceRole, SphinxDirective, SphinxRole
from sphinx.util.logging import getLogger

from backpass.notes.items import ITEMS
from backpass.notes.lessons import LESSONS, Lesson, without_lesson

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{\n(.*?)\n\}\n", re.DOTALL)


def anchor(key: str) -> str:
    """The label of an item.

    >>> anchor("3.12"), anchor("Algorithm 4")
    ('notes-3-12', 'notes-algorithm-4')
    """
    return f"notes-{key.lower().replace(' ', '-').replace('.', '-')}"


def _link(key: str) -> addnodes.pending_xref:
    shown = ITEMS[key].title if key in ITEMS else key
    target = {"refdomain": "std", "reftype": "ref", "reftarget": anchor(key), "refexplicit": True, "refwarn": True}
    return addnodes.pending_xref("", nodes.inline("", shown), **target)


class NotesRole(SphinxRole):
    """``{notes}`3.12``` shows (3.12) and leads to the item."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        link = _link(self.text)
        link["refdoc"] = self.env.docname
        return [link], []


class PlaygroundRole(ReferenceRole):
    """``{playground}`text <hidden=1&m1=1>``` leads to the playground of the site in that state."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        return [nodes.reference("", self.title, refuri=f"../playground.html#{self.target}")], []


def with_theme(svg: str) -> str:
    """A picture whose dark colors follow the theme that a reader chose, not the system alone.

    >>> dark = "@media (prefers-color-scheme: dark) {\\n.a { fill: blue; }\\n}\\n"
    >>> print(with_theme(f"<style>{dark}</style>"))
    <style>@media (prefers-color-scheme: dark) {
    body:not([data-theme="light"]) .a { fill: blue; }
    }
    body[data-theme="dark"] .a { fill: blue; }
    </style>
    """

    def rewritten(match: re.Match[str]) -> str:
        dark = match[1].splitlines()
        return "\n".join(
            [
                "@media (prefers-color-scheme: dark) {",
                *(f'body:not([data-theme="light"]) {line}' for line in dark),
                "}",
                *(f'body[data-theme="dark"] {line}' for line in dark),
                "",
            ]
        )

    return _STYLE.sub(lambda style: _DARK.sub(rewritten, style[0]), svg)


class PictureDirective(SphinxDirective):
    """``{picture} NAME`` shows docs/lessons/pictures/NAME.svg."""

    required_arguments = 1
    option_spec: ClassVar[Any] = {"measured": directives.flag}

    def run(self) -> list[nodes.Node]:
        path = picture_path(self.arguments[0])
        self.env.note_dependency(str(path))
        svg = with_theme(path.read_text("utf-8"))
        return [nodes.raw("", f'<div class="lesson-picture">{svg}</div>', format="html")]


def _of_page(docname: str) -> Lesson | None:
    return next((lesson for lesson in LESSONS if docname == f"lessons/{lesson.name}"), None)


def _add_head(app: Sphinx, doctree: nodes.document) -> None:
    """Put the number, the items and the notebook of a lesson under its title."""
    lesson = _of_page(app.env.docname)
    if lesson is None:
        return
    title = next(doctree.findall(nodes.title))
    expected = f"{lesson.number} {lesson.title}"
    if title.astext() != expected:
        _warn(f"{lesson.name}: the title is {title.astext()!r}, expected {expected!r}")
    line = nodes.paragraph(classes=["lesson-head"])
    line += nodes.Text("Items of the notes: ")
    for i, key in enumerate(lesson.items):
        link = _link(key)
        link["refdoc"] = app.env.docname
        line += [nodes.Text(", ")] * bool(i) + [link]
    line += nodes.Text(". ")
    line += nodes.raw("", f'<a href="{lesson.name}.ipynb" download>Download this page as a notebook</a>', format="html")
    title.parent.insert(title.parent.index(title) + 1, line)


def errors() -> Iterable[str]:
    """What the lessons lack."""
    for key in without_lesson():
        yield f"no lesson runs CS229 {key}"
    known = {lesson.name for lesson in LESSONS}
    found = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("[1-9]-*.md")}
    yield from (f"docs/lessons/{name}.md is missing" for name in sorted(known - found.keys()))
    yield from (f"docs/lessons/{name}.md is in no list" for name in sorted(found.keys() - known))
    for lesson in LESSONS:
        named = set(re.findall(r"\{notes\}`([^`]+)`", found.get(lesson.name, "")))
        yield from (f"docs/lessons/{lesson.name}.md does not name {key}" for key in lesson.items if key not in named)
        if "{playground}`" not in found.get(lesson.name, ""):
            yield f"docs/lessons/{lesson.name}.md does not lead to the playground"


def _warn(text: str) -> None:
    getLogger(__name__).warning(text, type="lessons")


def _check(app: Sphinx, env: Any) -> None:
    for message in errors():
        _warn(message)


def _write_notebooks(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        for lesson in LESSONS:
            page = FOLDER / f"{lesson.name}.md"
            if page.exists():
                (Path(app.outdir) / "lessons" / f"{lesson.name}.ipynb").write_text(notebook_text(page), "utf-8")


class MeasuredLexer(OutputLexer):
    """Output whose numbers differ from run to run."""

    name = "Measured output"
    aliases: list[str] = ["measured"]  # noqa: RUF012  Pygments reads a list


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("notes", NotesRole())
    app.add_role("playground", PlaygroundRole())
    app.add_directive("picture", PictureDirective)
    app.add_lexer("measured", MeasuredLexer)
    app.connect("doctree-read", _add_head)
    app.connect("env-check-consistency", _check)
    app.connect("build-finished", _write_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
