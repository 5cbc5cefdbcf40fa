"""Engines: run circuits and training steps. The package does not depend on networks.

Reading order: ``step``, ``engine``, ``numpy_engine``, ``non_finite``; then ``plan`` and ``native``.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from backpass.engine.engine import Engine
from backpass.engine.non_finite import NonFiniteOrigin, first_fault, is_finite
from backpass.engine.numpy_engine import NumpyEngine
from backpass.engine.step import Epoch, Outcome, Step, make_step
from backpass.errors import UsageError, did_you_mean


def _native(threads: int | None, bf16: bool = False) -> Engine:
    from backpass.engine.native.native_engine import NativeEngine  # here: the core is slow to load and may be missing

    return NativeEngine(threads=threads, bf16=bf16)


def _numpy(threads: int | None) -> Engine:
    return NumpyEngine()  # NumPy fixes the number of threads of its products when it is loaded


ENGINES: dict[str, Callable[[int | None], Engine]] = {NumpyEngine.name: _numpy}
"""Every engine of this installation by name; "native" is one of them if its core was built."""

CORE = "backpass.engine.native._core"
if find_spec(CORE) is not None:
    ENGINES["native"] = _native


def engine_named(name: str, threads: int | None = None, *, bf16: bool = False) -> Engine:
    """Create an engine by name; "auto" selects the default engine.

    Args:
        name: A key of ``ENGINES``, or "auto".
        threads: The maximum number of cores, for engines that can choose.
        bf16: Whether large products of training steps round their operands to bfloat16.

    Raises:
        UsageError: If the name is unknown (the message gives the nearest name), or if bf16 is not available.
    """
    if name not in ("auto", *ENGINES):
        raise UsageError(f"unknown engine {name!r}", hint=did_you_mean(name, ["auto", *ENGINES]))
    if bf16:
        if reason := why_no_bf16(name):
            raise UsageError(reason)
        return _native(threads, bf16=True)
    return default_engine(threads) if name == "auto" else ENGINES[name](threads)


def default_engine(threads: int | None = None) -> Engine:
    """The fastest available engine: the native one if its core was built and can be loaded, else the NumPy engine."""
    return _numpy(threads) if why_slow() else _native(threads)


def why_slow() -> str:
    """Why the default engine is not the native one; empty if it is."""
    if "native" not in ENGINES:
        return "the compiled core was not built (was there a C++20 compiler when backpass was installed?)"
    try:
        import_module(CORE)
    except ImportError as error:
        return f"the compiled core cannot be loaded ({error})"
    return ""


def why_no_bf16(engine: str = "auto") -> str:
    """Why bfloat16 products are not available with this engine on this machine, and a remedy; empty if they are."""
    lacks = (
        "engine is 'numpy'"
        if engine == NumpyEngine.name
        else why_slow() or ("" if _has_bf16() else "this processor lacks them")
    )
    needs = "precision 'bf16' needs the native engine on a processor with the instructions AVX512_BF16"
    return f"{needs}; {lacks}: take float32" if lacks else ""


def _has_bf16() -> bool:
    core = import_module(CORE)
    return bool(core.has_bf16(core.instruction_sets()[0]))


__all__ = [
    "ENGINES",
    "Engine",
    "Epoch",
    "NonFiniteOrigin",
    "NumpyEngine",
    "Outcome",
    "Step",
    "default_engine",
    "engine_named",
    "first_fault",
    "is_finite",
    "make_step",
    "why_no_bf16",
    "why_slow",
]
