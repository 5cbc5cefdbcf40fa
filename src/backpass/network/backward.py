"""Backward pass: J, and z, a, delta, dW and db of every layer, for given examples (CS229 section 3.3).

Everything is read off the gradient circuit by name; nothing is derived by hand here. Training computes the same
numbers in ``training``; this module keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, named, named_gradients
from backpass.dataclass import dataclass
from backpass.errors import ShapeError
from backpass.network.losses import BinaryCrossEntropy, CrossEntropy, Loss, mean_loss

if TYPE_CHECKING:
    from backpass.circuit.drawing.picture import Picture

Floats = NDArray[Any]

WIDEST = 100
"""Characters of a line up to which z, a and delta stand side by side."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BackwardPass:
    """The values of a backward pass for n examples; layers are counted from 1 and examples are rows.

    Attributes:
        J: The mean loss.
        z: k -> z^[k] (n, m_k).
        a: k -> a^[k] (n, m_k); a^[0] is x.
        delta: k -> delta^[k] = dJ/dz^[k] (n, m_k)    CS229 (3.16)
        dW: k -> dJ/dW^[k] (m_{k-1}, m_k), for layers with one W    CS229 (3.15)
        db: k -> dJ/db^[k] (m_k,), for layers with one b.
        gradients: Name -> dJ/dA of every parameter array A, in the shape of A.
        circuit: The circuit that computed them.
        wires: k -> which inputs each unit of a wired layer reads, (m_{k-1}, m_k).
    """

    J: float
    z: dict[int, Floats]
    a: dict[int, Floats]
    delta: dict[int, Floats]
    dW: dict[int, Floats]  # noqa: N815  the notes' name
    db: dict[int, Floats]
    gradients: dict[str, Floats]
    circuit: Circuit
    wires: dict[int, NDArray[numpy.bool_]]

    def __repr__(self) -> str:
        return f"BackwardPass(J {self.J:.6g}, {len(self.a[0])} examples, {len(self.z)} layers)"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """J, the table of z, a and delta, at most ``WIDEST`` wide if layers allow, then each dW and db; six digits."""
        yield f"J = {self.J:.6g}"
        yield ""
        head = ("layer", "z", "a", "delta")
        rows = [(str(k), _text(self.z[k]), _text(self.a[k]), _text(self.delta[k])) for k in self.z]
        table = [*_table([head, *rows])]
        if max(map(len, table)) > WIDEST:  # z, a and delta of a layer below one another
            parts = [(row[0] * (j == 1), head[j], row[j]) for row in rows for j in (1, 2, 3)]
            table = [*_table([("layer", "", ""), *parts])]
        yield from table
        for name, gradient in self.gradients.items():
            yield ""
            yield from _block(f"d{name} = ", gradient)

    def to_svg(self) -> str:
        """The circuit as an SVG drawing; boxes have the names z1, a1, delta1, dW1, ..."""
        return self.circuit.to_svg()

    def draw(self, example: int = 0) -> Picture:
        """The network with the values of one example in its units, as a picture.

        Each unit shows a, z and delta. The width of a line shows the gradient of J with respect to its
        weight; a line is blue if that gradient is positive.

        Args:
            example: The number of the example, from 0.

        Raises:
            UsageError: If there is no such example.
        """
        from backpass.circuit.drawing.layers import picture_of  # here: few draw it

        return picture_of(self.J, self.z, self.a, self.delta, self.wires, example)

    def _repr_svg_(self) -> str:
        return self.to_svg()


def _text(array: Floats) -> str:
    return numpy.array2string(array, precision=6, suppress_small=False, threshold=60, floatmode="maxprec")


def _block(start: str, array: Floats) -> list[str]:
    """An array behind its name, the lines of the array below one another."""
    lines = _text(array).splitlines()
    return [start + lines[0], *(" " * len(start) + line for line in lines[1:])]


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Cells below one another; a cell may have several lines."""
    cells = [[cell.splitlines() for cell in row] for row in rows]
    widths = [max(len(line) for row in cells for line in row[j]) for j in range(len(rows[0]))]
    for row in cells:
        for i in range(max(len(cell) for cell in row)):
            lines = [cell[i] if i < len(cell) else "" for cell in row]
            yield "   ".join(line.ljust(width) for line, width in zip(lines, widths, strict=True)).rstrip()


def backward_pass(
    outputs: Callable[[Mapping[str, Array], Array], Array],
    arrays: Mapping[str, Floats],
    widths: Sequence[int],
    x: Any,
    y: Any,
    loss: Loss,
    wires: dict[int, NDArray[numpy.bool_]],
) -> BackwardPass:
    """The backward pass of a network    CS229 (3.4), (3.5), (3.6), (3.7), (3.13)

    A vector x is one example, a row, CS229 footnote 5.

    Args:
        outputs: (arrays, x) -> h(x); names z1, a1, ... with ``named``.
        arrays: The parameter arrays by name.
        widths: d, m_1, ..., m_r.
        x: The examples (n, d), or one example (d,).
        y: The targets.
        loss: The loss.
        wires: k -> which inputs each unit of a wired layer reads, (m_{k-1}, m_k).

    Raises:
        ShapeError: If the shape of x or y is wrong.
    """
    x = numpy.asarray(x, float)
    x = x[None] if x.ndim == 1 else x  # a vector is one example, a row
    targets, weights = _targets(y, len(x), widths[-1], loss), numpy.ones(len(x))

    def J(*values: Array) -> Array:  # noqa: N802  the notes' name
        *parameters, x, y = values
        theta = {name: named(array, name) for name, array in zip(arrays, parameters, strict=True)}
        return mean_loss(loss, outputs(theta, x), y, weights)

    found = named_gradients(J, names=[*arrays, "x", "y"])(*arrays.values(), x, targets)
    layers = range(1, len(widths))
    values, gradients = found.values, found.gradients
    return BackwardPass(
        found.J,
        {k: values[f"z{k}"] for k in layers},
        {0: values.get("a0", x), **{k: values[f"a{k}"] for k in layers}},
        {k: gradients[f"z{k}"] for k in layers},
        {k: gradients[f"W{k}"] for k in layers if f"W{k}" in arrays},
        {k: gradients[f"b{k}"] for k in layers if f"b{k}" in arrays},
        {name: gradients[name] for name in arrays},
        found.circuit,
        wires,
    )


def _targets(y: Any, n: int, k: int, loss: Loss) -> Floats:
    """The targets in the shape that the loss takes: (n, k), or class numbers (n,).

    Raises:
        ShapeError: If there are not as many as outputs.
    """
    array = numpy.asarray(y)
    is_class = isinstance(loss, BinaryCrossEntropy | CrossEntropy)
    width = 1 if is_class else k
    if array.size != n * width or (array.ndim > 1 and array.shape[0] != n):
        raise ShapeError(f"y expected shape [{n}, {width}] to match x; got {list(array.shape)}")
    return array.reshape(n) if is_class else array.astype(float).reshape(n, k)
