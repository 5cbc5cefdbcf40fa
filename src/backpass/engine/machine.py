"""The machine: which engine runs here, on what, and why not a faster one. For bug reports."""

from __future__ import annotations

import os
import platform

from backpass.engine import default_engine, why_no_bf16, why_slow
from backpass.engine.cores import allowed_cores


def machine_facts() -> dict[str, str]:
    """The interpreter, the system, and the engine as it would be chosen now."""
    cores = allowed_cores()
    facts = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "affinity": f"{cores.affinity} core{'s' if cores.affinity > 1 else ''}",
        "quota": "none" if cores.quota is None else f"{cores.quota:g} cores",
        "threads": str(cores.threads),
        "engine": default_engine().description,
        "bf16": why_no_bf16() or "available",
    }
    reason = why_slow()
    return {**facts, "why": reason} if reason else facts
