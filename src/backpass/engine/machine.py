"""Machine report, for bug reports: which engine runs on this machine, and why a faster one is unavailable."""

from __future__ import annotations

import os
import platform

from backpass.engine import default_engine, why_no_bf16, why_slow
from backpass.engine.cores import allowed_cores


def machine_facts() -> dict[str, str]:
    """The interpreter, the system, and the engine that would be selected now."""
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
