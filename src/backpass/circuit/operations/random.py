"""Counter-based random bits: the same (key, step, purpose, index) gives the same bits on every engine, in any order."""

from __future__ import annotations

from typing import Any

import numpy

from backpass.circuit.operation import operation
from backpass.circuit.primitive import Array
from backpass.circuit.row_rules import in_place, mixed
from backpass.circuit.spec import Shape, Spec
from backpass.numerics.philox import philox_bits


def _bits_shape(key: Spec, step: Spec, *, purpose: int, shape: Shape) -> Spec:
    return Spec(shape, numpy.dtype(numpy.uint32))


@operation(
    shape=_bits_shape,
    rows=mixed,
    count=lambda inputs, output, lengths: 10 * output.size(lengths),
    is_arithmetic=False,
    dkey=None,
    dstep=None,
)
def random_bits(key: Array, step: Array, *, purpose: int, shape: tuple[Any, ...]) -> Array:
    """z = 32 random bits per element, by Philox4x32-10 (Salmon et al. 2011)

    key uint32 (2,)   step uint32 ()   ->   z uint32 of the given shape

    Element i (in row-major order) is word i mod 4 of the block with counter (i div 4, step, purpose, 0).

    Args:
        key: The key, two words.
        step: The step of training.
        purpose: A number per use, so that different uses have different bits.
        shape: The shape of z.
    """
    return philox_bits(key, int(step), purpose, shape)


@operation(
    shape=lambda bits, *, dtype: Spec(bits.shape, numpy.dtype(dtype)),
    rows=in_place,
    is_elementwise=True,
    is_arithmetic=False,
    own_dtype=("bits",),
    dbits=None,
)
def to_unit(bits: Array, *, dtype: Any) -> Array:
    """z = the upper 24 bits as a number in [0, 1): exact in float32, and the same number in float64

    Args:
        bits: 32 random bits per element, such as those of ``random_bits``.
        dtype: float32 or float64.
    """
    return ((bits >> numpy.uint32(8)) * 2.0**-24).astype(dtype)
