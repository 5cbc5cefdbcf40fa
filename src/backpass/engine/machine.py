"""The machine: which engine runs here, on what, and why not a faster one. For bug reports; nothing else reads it."""

from __future__ import annotations

import os
import platform

from backpass.engine import default_engine, why_slow


def machine_facts() -> dict[str, str]:
    """The interpreter, the system, and the engine as it would be chosen now."""
    facts = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "engine": default_engine().description,
    }
    reason = why_slow()
    return {**facts, "why": reason} if reason else facts
