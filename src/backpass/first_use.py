"""First use: names that are imported from their modules when they are first used.

Importing everything that a package shows, or that a declaration names, takes most of the start-up of a command that
needs little of it (PEP 562).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any, overload


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


class NamesOf(Sequence[str]):
    """The names in a table of another module, which is imported when they are first read.

    >>> NamesOf("backpass.table.formats.fixed_width", "no_such_table")  # nothing is imported
    NamesOf('backpass.table.formats.fixed_width', 'no_such_table')
    >>> "relu" in NamesOf("backpass.network", "ACTIVATIONS")
    True
    """

    def __init__(self, module: str, table: str, *others: str) -> None:
        """Describe the names.

        Args:
            module: The dotted name of the module.
            table: The name of its table, a mapping or a sequence of names.
            others: Names that follow those of the table.
        """
        self._module, self._table, self._others = module, table, others

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return (*getattr(import_module(self._module), self._table), *self._others)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._names[index]

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __repr__(self) -> str:
        return f"NamesOf({', '.join(map(repr, (self._module, self._table, *self._others)))})"
