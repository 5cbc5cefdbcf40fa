"""The lowest versions: what pyproject.toml allows at least, of everything that building, running and testing needs.

    python tools/lowest_versions.py > lowest.txt

Prints a list for ``pip install --requirement``; ``make test-lowest`` runs the tests with them.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def lowest(path: Path) -> list[str]:
    """Each bound as a pin: "numpy>=2.0" is "numpy==2.0". What names Backpass itself is taken apart."""
    made = tomllib.loads(path.read_text("utf-8"))
    extras = made["project"]["optional-dependencies"]
    wanted = [*made["build-system"]["requires"], *made["project"]["dependencies"], "backpass[test]"]
    pins = []
    for one in wanted:  # grows as it is read
        if one.startswith("backpass["):
            wanted.extend(each for extra in one[len("backpass[") : -1].split(",") for each in extras[extra])
        else:
            pins.append(one.replace(">=", "=="))
    return sorted(pins)


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest(Path(__file__).parents[1] / "pyproject.toml")) + "\n")
