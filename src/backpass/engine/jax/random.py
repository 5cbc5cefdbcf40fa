"""Random bits on JAX arrays: Philox4x32-10 in 32-bit integers, with the bits of ``numerics.philox``.

The rounds are a loop of the device. Unrolled, XLA fuses them into the operations that read the bits and computes them
again and again: a step of a small network then takes several times as long.
"""

from __future__ import annotations

from math import prod
from typing import Any

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


def random_bits(jax: Any, key: Any, step: Any, *, purpose: int, shape: tuple[int, ...]) -> Any:
    """See the operation ``random_bits``.

    key uint32 (2,)   step uint32 ()   ->   uint32 of the given shape
    """
    jnp, whole = jax.numpy, jax.numpy.uint32
    blocks = -(-prod(shape) // 4)
    weyl = [whole(word) for word in _WEYL]

    def advance(_: Any, state: Any) -> Any:
        (c0, c1, c2, c3), (k0, k1) = state
        high0, low0 = _product(jnp, _MULTIPLIERS[0], c0)
        high1, low1 = _product(jnp, _MULTIPLIERS[1], c2)
        return (high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0), (k0 + weyl[0], k1 + weyl[1])

    counter = (
        jnp.arange(blocks, dtype=whole),
        jnp.full(blocks, step, whole),
        jnp.full(blocks, purpose, whole),
        jnp.zeros(blocks, whole),
    )
    words, _ = jax.lax.fori_loop(0, _ROUNDS, advance, (counter, (key[0], key[1])))
    return jnp.stack(words, axis=1).reshape(-1)[: prod(shape)].reshape(shape)


def _product(jnp: Any, factor: int, x: Any) -> tuple[Any, Any]:
    """The upper and the lower word of a product of 32-bit words, from products of 16-bit halves."""
    low, high = jnp.uint32(factor & 0xFFFF), jnp.uint32(factor >> 16)
    x_low, x_high = x & jnp.uint32(0xFFFF), x >> jnp.uint32(16)
    middle = high * x_low + ((low * x_low) >> jnp.uint32(16))
    carried = (middle & jnp.uint32(0xFFFF)) + low * x_high
    upper = high * x_high + (middle >> jnp.uint32(16)) + (carried >> jnp.uint32(16))
    return upper, jnp.uint32(factor) * x
