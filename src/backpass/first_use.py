"""First use: a package that imports its names from their modules when they are first used.

Importing everything that a package shows takes most of the start-up of a command that needs little of it (PEP 562).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def imported_on_first_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    Args:
        package: Its dotted name.
        homes: Name -> dotted name of the module that has it.

    Returns:
        A function of a name that imports it; it raises AttributeError for other names.
    """

    def imported(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return imported
