"""Circuit: an ordered list of operations with known shapes, from inputs to outputs (CS229 section 3).

``trace`` creates circuits. Calling a circuit with arrays evaluates it; calling it with traced values adds its
operations to the current trace. A circuit also counts its operations and bytes. Fast execution lives in ``engine``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from backpass.circuit.listing import Listing
from backpass.circuit.node import Node
from backpass.circuit.primitive import Array
from backpass.circuit.spec import Shape, Spec, check_unmasked, match
from backpass.circuit.structure import Rebuild, flatten
from backpass.circuit.traced import Recorder, Traced
from backpass.dataclass import dataclass
from backpass.errors import TraceError


def is_bound_late(value: Any) -> bool:
    """Whether a parameter contains a free dimension, so that its value is known only when the circuit runs."""
    return isinstance(value, str) or (isinstance(value, tuple) and any(is_bound_late(part) for part in value))


def bind_param(value: Any, lengths: Mapping[str, int]) -> Any:
    """Replace the free dimensions in a parameter by their lengths."""
    if isinstance(value, str):
        return lengths[value]
    return tuple(bind_param(part, lengths) for part in value) if isinstance(value, tuple) else value


def _is_numbers(value: Any) -> bool:
    """Whether a list spells out an array, row by row, rather than being a list of arrays."""
    return isinstance(value, list) and all(isinstance(item, bool | int | float) or _is_numbers(item) for item in value)


@dataclass(frozen=True, slots=True, eq=False)
class Circuit(Listing):
    """A listing that can be evaluated. Every operation in it contributes to an output.

    Attributes:
        rebuild: Puts the outputs into the structure that the traced function returned.
        last_uses: ``last_uses[i]`` lists the nodes that no operation reads after node i.
    """

    rebuild: Rebuild
    last_uses: tuple[tuple[int, ...], ...]

    def __call__(self, *arguments: Any) -> Any:
        """Evaluate on arrays; on traced values, add this circuit's operations to the trace."""
        leaves, _ = flatten(arguments, is_leaf=_is_numbers)
        if len(leaves) != len(self.input_names):
            leaves, _ = flatten(arguments)
        if len(leaves) != len(self.input_names):
            raise TypeError(f"{self.name} takes {len(self.input_names)} arrays; got {len(leaves)}")
        if any(isinstance(leaf, Traced) for leaf in leaves):
            return self.rebuild(iter(self._inline(leaves)))
        return self.rebuild(iter(self.evaluate(leaves)))

    def arrays_for(self, values: Sequence[Any]) -> list[Any]:
        """Convert the inputs to arrays of the expected dtypes.

        Args:
            values: The inputs, in the order of ``input_names``.

        Raises:
            TraceError: If an input is a masked array.
        """
        for value, name in zip(values, self.input_names, strict=True):
            check_unmasked(value, f"input {name!r}")
        return [numpy.asarray(v, dtype=spec.dtype) for v, spec in zip(values, self.inputs, strict=True)]

    def evaluate(
        self, values: Sequence[Any], watch: Callable[[int, Node, Any], None] | None = None
    ) -> list[numpy.ndarray[Any, Any]]:
        """Evaluate node by node with NumPy.

        Args:
            values: One array per input.
            watch: Called with the index, the node and the value of every operation as soon as it is computed.
        """
        alive: list[Any] = [None] * len(self.nodes)
        arrays = self.arrays_for(values)
        lengths = match(self.inputs, arrays, self.input_names)
        alive[: len(arrays)] = arrays
        with numpy.errstate(all="ignore"):
            for i, node in self.operations:
                params = {key: bind_param(value, lengths) for key, value in node.params.items()}
                alive[i] = node.operation.forward(*(alive[j] for j in node.inputs), **params)
                if watch is not None:
                    watch(i, node, alive[i])
                for dead in self.last_uses[i]:
                    alive[dead] = None
        return [self._writable(i, alive[i]) for i in self.outputs]

    def _writable(self, i: int, value: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
        """An output that callers may write to; a broadcast array or a constant is read-only.

        Zeros for an unused argument take no memory until they are written to    CS229 footnote 4
        """
        if self._is_zero_fill(self.nodes[i]):
            return numpy.zeros(value.shape, value.dtype)
        return numpy.require(value, requirements="W")

    def _inline(self, values: Sequence[Any]) -> list[Array]:
        recorder = next(value.recorder for value in values if isinstance(value, Traced))
        for value, name in zip(values, self.input_names, strict=True):
            check_unmasked(value, f"input {name!r}")
        arrays: list[Any] = [
            value if isinstance(value, Traced) else recorder.constant(numpy.asarray(value, dtype=spec.dtype))
            for value, spec in zip(values, self.inputs, strict=True)
        ]
        # A dimension that is free here may be fixed, or have another name, in the enclosing trace.
        lengths: Any = match(self.inputs, arrays, self.input_names)
        outer = recorder.labels[-1] if recorder.labels else ""
        for _, node in self.operations:
            params = {key: bind_param(value, lengths) for key, value in node.params.items()}
            recorder.labels.append(node.label or outer)
            if node.inputs:
                arrays.append(node.operation(*(arrays[j] for j in node.inputs), **params))
            else:
                arrays.append(recorder.append(node.operation, (), params, node.operation.shape(**params)))
            for name in node.names:
                recorder.name(arrays[-1].index, name)
            recorder.labels.pop()
        return [arrays[i] for i in self.outputs]

    def size(self, **lengths: int) -> int:
        """The size N of the circuit: scalar operations, for these lengths of free dimensions    CS229 Theorem 3.1

        Arithmetic operations, elementary functions, comparisons and copied numbers count one each; filling with zeros
        counts nothing (footnote 4).

        Args:
            **lengths: The length of each free dimension, by name.
        """
        return sum(self._count(node, lengths) for _, node in self.operations)

    def flops(self, **lengths: int) -> int:
        """The number of floating-point operations, without comparisons, copies and random bits.

        Args:
            **lengths: The length of each free dimension, by name.
        """
        return sum(self._count(node, lengths) for _, node in self.operations if node.operation.is_arithmetic)

    def flops_of(self, label: str, **lengths: int) -> int:
        """The number of floating-point operations with this label; see ``label``.

        Args:
            label: The label.
            **lengths: The length of each free dimension, by name.
        """
        nodes = (node for _, node in self.operations if node.label == label)
        return sum(self._count(node, lengths) for node in nodes if node.operation.is_arithmetic)

    def bytes_moved(self, **lengths: int) -> int:
        """The bytes read and written if every operation runs by itself and nothing stays in registers.

        Args:
            **lengths: The length of each free dimension, by name.
        """
        total = 0
        for _, node in self.operations:
            if not (node.operation.is_view or self._is_zero_fill(node)):
                specs = [node.spec, *(self.nodes[i].spec for i in node.inputs)]
                total += sum(spec.size(lengths) * spec.dtype.itemsize for spec in specs)
        return total

    def _is_zero_fill(self, node: Node) -> bool:
        """Whether a node is an array of zeros, such as the gradient with respect to an unused argument."""
        if node.operation.name != "broadcast_to":
            return False
        source = self.nodes[node.inputs[0]]
        return source.operation.name == "constant" and not source.params["value"].any()

    def _count(self, node: Node, lengths: Mapping[str, int]) -> int:
        if self._is_zero_fill(node):
            return 0
        return node.operation.count([self.nodes[i].spec for i in node.inputs], node.spec, lengths)

    def to_svg(self) -> str:
        """The circuit as an SVG drawing; see ``draw``."""
        from backpass.circuit.drawing.graph import draw  # imported here because most circuits are never drawn

        return draw(self)

    def _repr_svg_(self) -> str:
        return self.to_svg()


def build_circuit(
    name: str,
    recorder: Recorder,
    inputs: Sequence[int],
    input_names: Sequence[str],
    outputs: Sequence[int],
    rebuild: Rebuild,
) -> Circuit:
    """Build a circuit from recorded nodes: drop the nodes that no output needs and resolve identity nodes."""
    nodes = recorder.nodes
    real = list(range(len(nodes)))
    for i, node in enumerate(nodes):
        if node.operation.name == "identity":
            real[i] = real[node.inputs[0]]
    needed = bytearray(len(nodes))
    for i in outputs:
        needed[real[i]] = 1
    for i in range(len(nodes) - 1, -1, -1):
        if needed[i]:
            for j in nodes[i].inputs:
                needed[real[j]] = 1
    given = set(inputs)
    order = [*inputs, *(i for i in range(len(nodes)) if needed[i] and i not in given)]
    place = {old: new for new, old in enumerate(order)}
    names = _names(recorder, real, order, input_names)
    kept = tuple(
        _renumbered(nodes[i], [place[real[j]] for j in nodes[i].inputs], tuple(names.get(i, ()))) for i in order
    )
    new_outputs = tuple(place[real[i]] for i in outputs)
    return Circuit(name, kept, tuple(input_names), new_outputs, rebuild, _last_uses(kept, new_outputs))


def _names(
    recorder: Recorder, real: Sequence[int], order: Sequence[int], input_names: Sequence[str]
) -> dict[int, list[str]]:
    """The names of the nodes that are kept; a name belongs to the first node that has it."""
    kept, taken = set(order[len(input_names) :]), {*input_names}
    names: dict[int, list[str]] = {}
    for i in sorted(recorder.names):
        for name, _ in recorder.names[i]:
            if real[i] in kept and name not in taken:
                taken.add(name)
                names.setdefault(real[i], []).append(name)
    return names


def _renumbered(node: Node, inputs: list[int], names: tuple[str, ...]) -> Node:
    return Node(node.operation, tuple(inputs), node.params, node.spec, node.label, node.line, names)


def _last_uses(nodes: Sequence[Node], outputs: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    last: dict[int, int] = {}
    for i, node in enumerate(nodes):
        for j in (i, *node.inputs):
            last[j] = i
    last_uses: list[list[int]] = [[] for _ in nodes]
    kept = set(outputs)
    for j, i in last.items():
        if j not in kept:
            last_uses[i].append(j)
    return tuple(tuple(dead) for dead in last_uses)


def as_leaf(value: Any, dtype: Any) -> Spec:
    """The spec of one leaf of the ``shapes`` argument of ``trace``: a Spec, an array, a shape or a number."""
    if isinstance(value, Spec):
        return value
    if isinstance(value, tuple):
        shape: Shape = value
        return Spec(shape, numpy.dtype(dtype))
    if isinstance(value, str) or value is None:
        raise TraceError(f"expected a shape such as ('n', 3), a Spec or an array; got {value!r}")
    check_unmasked(value, "an argument")
    array = numpy.asarray(value)
    return Spec(array.shape, array.dtype)
