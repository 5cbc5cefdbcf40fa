"""Engines: run circuits and training steps. The package does not depend on networks.

Reading order: ``step``, ``engine``, ``numpy_engine``, ``non_finite``; then ``plan`` and ``native``; then ``jax``.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from backpass.engine.engine import Engine
from backpass.engine.non_finite import NonFiniteOrigin, first_non_finite, is_finite
from backpass.engine.numpy_engine import NumpyEngine
from backpass.engine.step import Epoch, Outcome, Step, make_step
from backpass.errors import UsageError, did_you_mean


def _native(threads: int | None, bf16: bool = False) -> Engine:
    from backpass.engine.native.native_engine import NativeEngine  # here: the core is slow to load and may be missing

    return NativeEngine(threads=threads, bf16=bf16)


def _numpy(threads: int | None) -> Engine:
    return NumpyEngine()  # NumPy fixes the number of threads of its products when it is loaded


ENGINES: dict[str, Callable[[int | None], Engine]] = {NumpyEngine.name: _numpy}
"""The engines of this installation that "auto" can select, by name; "native" is one if its core was built."""

CORE = "backpass.engine.native._core"
if find_spec(CORE) is not None:
    ENGINES["native"] = _native

ENGINE_NAMES = ("auto", *ENGINES, "jax")
"""The names of all engines; "jax" needs the package jax and the name of a device, and is never selected by "auto"."""


def engine_named(name: str, threads: int | None = None, *, bf16: bool = False, device: str | None = None) -> Engine:
    """Create an engine by name; "auto" selects the default engine.

    Args:
        name: A name in ``ENGINE_NAMES``.
        threads: The maximum number of cores, for engines that can choose.
        bf16: Whether large products of training steps round their operands to bfloat16.
        device: "cpu", "cuda" or "tpu", for the engine "jax"; other engines ignore it.

    Raises:
        UsageError: If the name is unknown (the message gives the nearest name), if bf16 or the package jax is not
            available, or if there is no such device.
    """
    if name not in ENGINE_NAMES:
        raise UsageError(f"unknown engine {name!r}", hint=did_you_mean(name, ENGINE_NAMES))
    if name == "jax":
        from backpass.engine.jax.jax_engine import JaxEngine  # here, because few processes need it

        return JaxEngine(device, bf16=bf16)
    if bf16:
        if reason := why_no_bf16(name):
            raise UsageError(reason)
        return _native(threads, bf16=True)
    return default_engine(threads) if name == "auto" else ENGINES[name](threads)


def host_engine(name: str) -> str:
    """The engine for circuits that run once or seldom, where compiling would take longer than they do.

    >>> host_engine("jax"), host_engine("numpy")
    ('auto', 'numpy')
    """
    return "auto" if name == "jax" else name


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
    if engine == "jax":
        return ""  # XLA has them for every device
    lacks = (
        "engine is 'numpy'"
        if engine == NumpyEngine.name
        else why_slow() or ("" if _has_bf16() else "this processor lacks them")
    )
    needs = "precision 'bf16' needs the native engine on a processor with AVX512_BF16 instructions"
    return f"{needs}; {lacks}: use float32" if lacks else ""


def _has_bf16() -> bool:
    core = import_module(CORE)
    return bool(core.has_bf16(core.instruction_sets()[0]))


__all__ = [
    "ENGINES",
    "ENGINE_NAMES",
    "Engine",
    "Epoch",
    "NonFiniteOrigin",
    "NumpyEngine",
    "Outcome",
    "Step",
    "default_engine",
    "engine_named",
    "first_non_finite",
    "host_engine",
    "is_finite",
    "make_step",
    "why_no_bf16",
    "why_slow",
]
