"""The engines: what runs circuits, step after step. This room knows no network.

Reading order: ``step``, ``engine``, ``numpy_engine``, ``fault``.
"""

from backpass.engine.engine import Engine
from backpass.engine.fault import Fault, first_fault
from backpass.engine.numpy_engine import NumpyEngine
from backpass.engine.step import Epoch, Outcome, Step, make_step
from backpass.errors import UsageError, did_you_mean

ENGINES = {NumpyEngine.name: NumpyEngine}


def engine_named(name: str) -> Engine:
    """The engine of that name.    Errors: UsageError with the nearest name."""
    if name not in ENGINES:
        raise UsageError(f"unknown engine {name!r}", hint=did_you_mean(name, list(ENGINES)))
    return ENGINES[name]()


__all__ = [
    "ENGINES",
    "Engine",
    "Epoch",
    "Fault",
    "NumpyEngine",
    "Outcome",
    "Step",
    "engine_named",
    "first_fault",
    "make_step",
]
