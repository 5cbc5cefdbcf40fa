"""Public names: warns of a name in ``__all__`` of a public package that no page documents."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.logging import getLogger

PACKAGES = [
    "backpass",
    "backpass.circuit",
    "backpass.circuit.operations",
    "backpass.estimators",
    "backpass.network",
    "backpass.notes",
    "backpass.playground",
    "backpass.reporting",
    "backpass.training",
]


def undocumented(objects: set[str]) -> list[str]:
    """The public names, with their packages, that no documented object has.

    >>> "backpass.network.Dense" in undocumented({"backpass.fit"}), "backpass.fit" in undocumented({"backpass.fit"})
    (True, False)
    """
    known = {name.rpartition(".")[2] for name in objects} | {"operations"}
    return [f"{package}.{name}" for package in PACKAGES for name in import_module(package).__all__ if name not in known]


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    for name in undocumented(set(env.domains.python_domain.objects)):
        getLogger(__name__).warning("%s is public, but on no page", name, type="public_names")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("env-check-consistency", _check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
