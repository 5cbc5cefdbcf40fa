"""Disk check: the free space of a folder, and an error before a file is written that cannot fit.

Estimates are lower bounds, so nothing that would fit is rejected.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from backpass.errors import ResourceError
from backpass.table.memory import written_bytes


def require_room(needed: int, folder: Path, what: str) -> None:
    """Check that a folder has enough free space.

    Args:
        needed: Space needed, in bytes.
        folder: Folder to write to.
        what: What needs the space, for the message.

    Raises:
        ResourceError: Less is free; the message states both figures.
    """
    there = shutil.disk_usage(folder).free
    if needed > there:
        figures = f"needs at least {written_bytes(needed)} in {folder}, which has {written_bytes(there)} free"
        raise ResourceError(f"{what} {figures}", hint="free space there, or set TMPDIR to a folder with enough space")
