"""Search terms: what somebody types into the search field and expects to hit first.

Sphinx splits a query at punctuation and drops bare numbers, so ``3.12`` and ``--ensemble-size`` would find nothing.
Entries of the index are compared as a whole. Each documented Python name and each option becomes such an entry.
"""

from __future__ import annotations

from typing import Any

from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


def entries_of(signature: addnodes.desc_signature, domain: str, kind: str) -> list[str]:
    """The entries that an object of a page gets."""
    if domain == "py":
        return [str(signature.get("fullname", "")).rpartition(".")[2]]
    if (domain, kind) == ("std", "option"):
        return [name for name in signature.get("allnames", ()) if name.startswith("--")]
    return []


class SearchTerms(SphinxTransform):
    """Adds the entries before the domains are collected."""

    default_priority = 800

    def apply(self, **options: Any) -> None:
        for description in list(self.document.findall(addnodes.desc)):
            index = addnodes.index(entries=[])
            for signature in description.findall(addnodes.desc_signature):
                if signature.parent is description and signature["ids"]:
                    for entry in entries_of(signature, description["domain"], description["objtype"]):
                        index["entries"].append(("single", entry, signature["ids"][0], "main", None))
            if index["entries"]:
                description.parent.insert(description.parent.index(description), index)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(SearchTerms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
