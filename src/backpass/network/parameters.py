"""Parameters theta: one vector that holds the named arrays W1, b1, ...

A ``Layout`` knows the position of each named array and makes views of a vector, traced or not. It holds no numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, named
from backpass.dataclass import dataclass
from backpass.errors import ShapeError

FREQUENCY = "frequency"
"""The group of the frequencies of periodic embeddings."""

GROUPS = ("weight", "bias", "alpha", "learned_input_scale", FREQUENCY, "phase", "mixture", "embedding")
"""Every parameter group that is trained."""

FIXED = "projection"
"""The group of parameters that are fitted before training and not trained."""

_COLUMNS_HINT = "W is (d, m) and b (m,) here; backpass.notes.theta_from_columns takes the notes' W (m, d) and b (m, 1)"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One named array in theta.

    Attributes:
        name: The name, such as W1.
        shape: The shape.
        group: "weight", "bias" or another of ``GROUPS``, or ``FIXED``. Optimizers may treat groups differently;
            initialization does.
        fan_in: The number of inputs of the unit or layer, for initialization.
        fan_out: The number of its outputs.
        init_scale: The factor that multiplies the initial values. Default 1.
    """

    name: str
    shape: tuple[int, ...]
    group: str
    fan_in: int
    fan_out: int
    init_scale: float = 1.0

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """Named arrays stored one after another in one vector, in the order of ``parameters``.

    Attributes:
        parameters: The arrays, by name and shape, in the order of theta.
    """

    parameters: tuple[Parameter, ...]

    @property
    def size(self) -> int:
        return sum(parameter.size for parameter in self.parameters)

    def views(self, theta: Array) -> dict[str, Array]:
        """Each named array as a view of theta (P,); changing theta changes the views.

        Args:
            theta: The parameters (P,).

        Raises:
            ShapeError: If theta is not a vector of P numbers.
        """
        if not hasattr(theta, "shape"):
            raise ShapeError(
                f"theta expected an array of shape [{self.size}]; got a value of type {type(theta).__name__}"
            )
        if theta.shape != (self.size,):
            raise ShapeError(f"theta expected shape [{self.size}]; got {list(theta.shape)}")
        views: dict[str, Array] = {}
        start = 0
        for parameter in self.parameters:
            view = theta[start : start + parameter.size].reshape(parameter.shape)
            views[parameter.name] = named(view, parameter.name)
            start += parameter.size
        return views

    def vector(self, arrays: Mapping[str, Any], dtype: Any = numpy.float64) -> NDArray[Any]:
        """One vector from named arrays in the convention of rows, W (d, m) and b (m,)    CS229 (4.4)

        Column j of W has the weights of unit j; in the notes it is row j, CS229 (2.7).

        ``backpass.notes.theta_from_columns`` takes the notes' W (m, d) and b (m, 1).

        Args:
            arrays: The arrays, by name.
            dtype: The dtype of the vector. Default float64.

        Raises:
            ShapeError: If the shape of an array is wrong; the message names the array.
        """
        parts = []
        for parameter in self.parameters:
            array = numpy.asarray(arrays[parameter.name], dtype=dtype)
            if array.shape != parameter.shape:
                is_column = array.shape in (parameter.shape[::-1], (*parameter.shape, 1))
                raise ShapeError(
                    f"{parameter.name} expected shape {list(parameter.shape)}; got {list(array.shape)}",
                    hint=_COLUMNS_HINT if is_column else "",
                )
            parts.append(array.reshape(-1))
        return numpy.concatenate(parts) if parts else numpy.zeros(0, dtype)

    def per_group(self, factors: Mapping[str, float], otherwise: float = 1.0) -> NDArray[numpy.float64]:
        """One number per element of theta, determined by the group of its parameter: (P,)

        Args:
            factors: The number of each group, by its name.
            otherwise: The number of all other groups. Default 1.
        """
        parts = [numpy.full(p.size, factors.get(p.group, otherwise)) for p in self.parameters]
        return numpy.concatenate(parts) if parts else numpy.zeros(0)
