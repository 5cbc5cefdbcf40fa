"""Disk: how much room a folder has, and a refusal before it is taken where something cannot fit.

Estimates are lower bounds, so that nothing is refused that would have fitted.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from backpass.errors import ResourceError
from backpass.table.memory import written_bytes


def require_room(needed: int, folder: Path, what: str) -> None:
    """Raise a ResourceError that says both figures where ``needed`` bytes do not fit into a folder."""
    there = shutil.disk_usage(folder).free
    if needed > there:
        figures = f"needs at least {written_bytes(needed)} in {folder}, {written_bytes(there)} are free"
        raise ResourceError(f"{what} {figures}", hint="make room there, or have TMPDIR name a folder that has it")
