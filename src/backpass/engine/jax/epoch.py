"""Epochs on JAX: a block of steps as one compiled loop, for one run or for several runs side by side.

A program depends on the step, the batch size and the number of runs, not on the number of rows or steps: tables of rows
and settings have a fixed length, and a call says how many of their steps it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from backpass.circuit import Circuit
from backpass.dataclass import dataclass
from backpass.engine.jax.device import Device
from backpass.engine.jax.forms import FORMS, ROUNDED_FORMS
from backpass.engine.jax.translation import translate

STEPS = 128
"""The length of the tables, and so the largest number of steps per call."""

Program = Callable[..., tuple[list[Any], Any, Any, Any]]
"""(state, count, number, settings, key, rows, offsets, data) -> (state, taken, losses, whether indices are in range).

count () is the number of steps to take, number () that of the first one; settings (STEPS, columns), rows (STEPS, B);
offsets (arrays,) is where the run's rows begin in each array of data. With several runs, all arguments but data have a
leading axis of runs, and so have all results.
"""


@dataclass(frozen=True, slots=True)
class ProgramKey:
    """What a program is compiled for.

    Attributes:
        device: The device.
        circuit: The circuit of the step, see ``first_alike``.
        size: B, the number of rows of a batch.
        runs: The number of runs.
        rounded: Whether large products round their factors to bfloat16.
    """

    device: Device
    circuit: Circuit
    size: int
    runs: int
    rounded: bool


@lru_cache(maxsize=64)
def program_of(key: ProgramKey) -> Program:
    """The compiled loop over the steps of a block; it is compiled at its first call."""
    jax, lax, jnp = key.device.jax, key.device.jax.lax, key.device.jax.numpy
    forms = ROUNDED_FORMS if key.rounded else FORMS
    one = translate(jax, key.circuit, {"B": key.size}, forms)

    def block(
        state: Any, count: Any, number: Any, settings: Any, random_key: Any, rows: Any, offsets: Any, data: Any
    ) -> Any:
        J_dtype = key.circuit.nodes[key.circuit.outputs[-1]].spec.dtype

        def goes_on(carry: Any) -> Any:
            _, s, _, is_good, in_range = carry
            return (s < count) & is_good & in_range

        def take(carry: Any) -> Any:
            before, s, losses, _, _ = carry
            batch = [
                jnp.take(array, rows[s] + offset, axis=0, mode="clip")
                for array, offset in zip(data, offsets, strict=True)
            ]
            (*after, J), in_range = one(*before, settings[s], random_key, number + s.astype(number.dtype), *batch)
            is_good = jnp.isfinite(J) & in_range
            kept = [jnp.where(is_good, new, old) for new, old in zip(after, before, strict=True)]
            return kept, s + is_good.astype(s.dtype), losses.at[s].set(J), is_good, in_range

        true = jnp.asarray(True)
        start = (list(state), jnp.zeros((), jnp.int32), jnp.zeros(STEPS, J_dtype), true, true)
        after, taken, losses, _, in_range = lax.while_loop(goes_on, take, start)
        return after, taken, losses, in_range

    if key.runs == 1:
        return jax.jit(block, donate_argnums=0)  # type: ignore[no-any-return]
    return jax.jit(jax.vmap(block, in_axes=(0, 0, 0, 0, 0, 0, 0, None)))  # type: ignore[no-any-return]
