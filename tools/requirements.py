"""Requirements: what Backpass and some of its extras need, without Backpass itself, so that nothing is compiled.

    python tools/requirements.py docs > requirements.txt

Prints a list for ``pip install --requirement``; ``make docs`` installs it.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path


def requirements(path: Path, extras: Sequence[str]) -> list[str]:
    """The dependencies of a ``pyproject.toml`` and of extras of it; an extra that it names is taken apart."""
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(f"{project['name']}[{extra}]" for extra in extras)]
    found: list[str] = []
    for one in wanted:  # grows as it is read
        if one.startswith(f"{project['name']}["):
            names = one[len(project["name"]) + 1 : -1].split(",")
            wanted.extend(each for name in names for each in project["optional-dependencies"][name.strip()])
        else:
            found.append(one)
    return sorted(set(found))


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(Path(__file__).parents[1] / "pyproject.toml", sys.argv[1:])) + "\n")
