"""Source links: finds an object in the reference, whatever name it is documented under.

Some objects are documented under the name that users import (``backpass.Network``), some under that of their module.
Sphinx takes both for different objects; here the pages of the source lead back, and references lead, to either.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

_BACK = re.compile(r'<a class="viewcode-back" href="([^"#]*)#([^"]*)">.*?</a>')


def _mend(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename.startswith("_modules/") and "body" in context:
        objects = {name: entry.docname for name, entry in app.env.domains.python_domain.objects.items()}

        def link(match: re.Match[str]) -> str:
            name = documented_name(match[2], objects)
            if not name:
                return ""
            page = app.builder.get_relative_uri(pagename, objects[name])
            return f'<a class="viewcode-back" href="{page}#{name}">[docs]</a>'

        context["body"] = _BACK.sub(link, context["body"])


def _resolve(app: Sphinx, env: Any, node: addnodes.pending_xref, content: nodes.Element) -> nodes.Element | None:
    objects = {name: entry.docname for name, entry in env.domains.python_domain.objects.items()}
    if node.get("refdomain") == "py" and (name := documented_name(node["reftarget"], objects)):
        return make_refnode(app.builder, node["refdoc"], objects[name], name, content, name)
    return None


def documented_name(name: str, objects: dict[str, str]) -> str:
    """The documented object that is called so, but for its package; empty if there is none.

    >>> documented_name("backpass.network.Dense.apply", {"backpass.network.layers.Dense.apply": "network"})
    'backpass.network.layers.Dense.apply'
    """
    if name in objects:
        return name
    words = name.split(".")
    while len(words) > 1 and words[0].islower():
        words = words[1:]
        for other in objects:
            if other.endswith("." + ".".join(words)) and other.startswith(name.partition(".")[0]):
                return other
    return ""


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("missing-reference", _resolve)
    app.connect("html-page-context", _mend)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
