"""The machine: which engine runs here, on what, and why not a faster one. For bug reports and refusals."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from backpass.engine import default_engine, why_slow
from backpass.engine.cores import allowed_cores

_CPU_FACTS = Path("/proc/cpuinfo")


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
    }
    reason = why_slow()
    return {**facts, "why": reason} if reason else facts


def why_no_bf16(cpu_facts: Path = _CPU_FACTS) -> str:
    """What bfloat16 products would need, what is here, and what to use instead."""
    return (
        "bfloat16 products need AMX tiles, for which the compiled core has no kernels; "
        f"{_tiles(cpu_facts)}; float32 is the fastest there is"
    )


def _tiles(cpu_facts: Path) -> str:
    """Whether this processor has AMX tiles for bfloat16, as far as the system says."""
    try:
        lines = cpu_facts.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    if "amx_bf16" in flags:
        return "this processor has such tiles"
    return "this processor has no such tiles" if flags else "nothing says whether this processor has such tiles"
