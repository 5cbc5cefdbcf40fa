"""Tests of the notes: which tests name an item of the notes by a mark such as ``CS229 (3.12)``, and call the library.

    python tools/notes_tests.py tests

Prints the items without a test. A test calls the library if it, or a function or fixture of the tests that it uses,
uses a name imported from ``backpass``; ``backpass.notes`` alone does not count, because it is what the library is
compared with.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backpass.notes.items import ITEMS
from backpass.notes.marks import keys_in

NOT_THE_LIBRARY = ("backpass.notes", "backpass.errors")


@dataclass(frozen=True)
class Module:
    """A file of tests.

    Attributes:
        path: The file.
        functions: Its functions by name.
        library: The names that it imports from the library.
        local: Names imported from another file of the same folder -> that file.
    """

    path: Path
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    library: set[str] = field(default_factory=set)
    local: dict[str, Path] = field(default_factory=dict)


def read(path: Path) -> Module:
    """The functions and the imports of a file; imports inside functions count, too."""
    module = Module(path)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            module.functions[node.name] = node
        elif isinstance(node, ast.ImportFrom) and node.module:
            root = node.module.partition(".")[0]
            for alias in node.names:
                name, full = alias.asname or alias.name, f"{node.module}.{alias.name}"
                if root == "backpass" and not full.startswith(NOT_THE_LIBRARY):
                    module.library.add(name)
                elif (path.parent / f"{root}.py").exists():
                    module.local[name] = path.parent / f"{root}.py"
    return module


def calls_library(module: Module, name: str, seen: frozenset[tuple[Path, str]] = frozenset()) -> bool:
    """Whether a function of a file uses the library, itself or through other functions of the tests."""
    function = module.functions.get(name)
    if function is None or (module.path, name) in seen:
        return False
    seen |= {(module.path, name)}
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    used |= {argument.arg for argument in function.args.args}  # fixtures
    return (
        bool(used & module.library)
        or any(calls_library(module, other, seen) for other in used)
        or any(calls_library(read(module.local[other]), other, seen) for other in used & module.local.keys())
    )


def marked(folder: Path) -> Iterator[tuple[str, Path, str, bool]]:
    """(item, file, test, whether it calls the library) of every mark in the docstring of a test."""
    for path in sorted(folder.rglob("test_*.py")):
        if "CS229" not in path.read_text("utf-8"):
            continue
        module = read(path)
        for name, function in module.functions.items():
            if name.startswith("test_"):
                for key in keys_in(ast.get_docstring(function) or ""):
                    yield key, path, name, calls_library(module, name)


def tests_of(folder: Path) -> dict[str, list[tuple[Path, str]]]:
    """Item -> the tests that name it and call the library."""
    found: dict[str, list[tuple[Path, str]]] = {key: [] for key in ITEMS}
    for key, path, name, is_real in marked(folder):
        if is_real and key in found:
            found[key].append((path, name))
    return found


def problems(folder: Path) -> list[str]:
    """Items without a test, and marks of items that the notes do not have."""
    missing = [f"no test of the library names CS229 {key}" for key, tests in tests_of(folder).items() if not tests]
    strange = [f"{path.name}, {name}: CS229 {key}" for key, path, name, _ in marked(folder) if key not in ITEMS]
    return missing + strange


if __name__ == "__main__":
    found = problems(Path(sys.argv[1]))
    print("\n".join(found) or "every item has a test")
    sys.exit(1 if found else 0)
