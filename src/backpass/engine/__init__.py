"""The engines: what runs circuits, step after step. This room knows no network.

Reading order: ``step``, ``engine``, ``numpy_engine``, ``fault``; then ``plan`` and ``native``.
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
    from backpass.engine.native.native_engine import NativeEngine  # here: loading the core takes time, and it may lack

    return NativeEngine(threads=threads, bf16=bf16)


def _numpy(threads: int | None) -> Engine:
    return NumpyEngine()  # how many cores NumPy's own products use is settled when NumPy is loaded


ENGINES: dict[str, Callable[[int | None], Engine]] = {NumpyEngine.name: _numpy}
"""Every engine of this installation by name; "native" is among them where its core was built."""

CORE = "backpass.engine.native._core"
if find_spec(CORE) is not None:
    ENGINES["native"] = _native


def engine_named(name: str, threads: int | None = None, *, bf16: bool = False) -> Engine:
    """The engine of that name; "auto" is the default one.

    threads: at most so many cores, where it can choose
    bf16: whether the large products of training steps round their operands to bfloat16

    Errors: UsageError with the nearest name, or saying why there is no bf16.
    """
    if name not in ("auto", *ENGINES):
        raise UsageError(f"unknown engine {name!r}", hint=did_you_mean(name, ["auto", *ENGINES]))
    if bf16:
        if reason := why_no_bf16(name):
            raise UsageError(reason)
        return _native(threads, bf16=True)
    return default_engine(threads) if name == "auto" else ENGINES[name](threads)


def default_engine(threads: int | None = None) -> Engine:
    """The fastest engine there is: the native one where its core was built and can be loaded, else the NumPy engine."""
    return _numpy(threads) if why_slow() else _native(threads)


def why_slow() -> str:
    """Why the default engine is not the native one; nothing where it is."""
    if "native" not in ENGINES:
        return "the compiled core was not built (was there a C++20 compiler when backpass was installed?)"
    try:
        import_module(CORE)
    except ImportError as error:
        return f"the compiled core cannot be loaded ({error})"
    return ""


def why_no_bf16(engine: str = "auto") -> str:
    """What products of bfloat16 need and this engine or machine lacks, and what to do; nothing where there are such."""
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
