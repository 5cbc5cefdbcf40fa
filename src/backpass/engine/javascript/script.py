"""Script: a circuit as the source of a JavaScript function on typed arrays.

Takes a circuit; returns text. Nothing here runs JavaScript.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from backpass.circuit import Circuit
from backpass.circuit.node import Node
from backpass.dataclass import dataclass
from backpass.engine.javascript.forms import FORMS, WITHOUT_FORM
from backpass.engine.javascript.kernels import Kernels
from backpass.engine.javascript.merging import merged, shortened
from backpass.engine.javascript.value import Literal, Value, View, number_text
from backpass.engine.javascript.writer import Writer, typed_array
from backpass.errors import CircuitError


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """A function that makes the function of a circuit.

    Attributes:
        source: The text of ``(l, c) => (a0, a1, ...) => [outputs]``: l holds the lengths of the free dimensions by
            name, c the constants, a0, a1, ... are the inputs as typed arrays in row-major order. The outputs are typed
            arrays that the next call writes again. It needs what ``functions_source`` defines. A script with kernels
            takes a third argument, ``{F, U, W, mm, k0, ...}``: F, U and W make its arrays of float32, bool and uint32,
            ``mm``, ``sums``, ``philox`` and the kernels fill them.
        constants: The arrays of constants, in the order of c.
        functions: The names of the functions that it calls; see ``functions_source``.
    """

    source: str
    constants: tuple[NDArray[Any], ...]
    functions: frozenset[str]

    @property
    def constants_source(self) -> str:
        """The constants as the text of a list of typed arrays, exactly."""
        texts = (
            f"{typed_array(each.dtype)}.from([{','.join(map(number_text, each.ravel()))}])" for each in self.constants
        )
        return f"[{','.join(texts)}]"


def script_of(circuit: Circuit, kernels: Kernels | None = None) -> Script:
    """Write a circuit as JavaScript.

    z = f(a_0, a_1, ...), node by node: chains of elementwise operations with one reader share a loop, views are
    strides, and a call allocates no memory. float32 results are rounded to float32. int64 is exact up to 2^53.

    Args:
        circuit: The circuit; lengths may be free.
        kernels: Where its loops over whole arrays go, to be shared with other scripts. Default None: they stay loops.

    Returns:
        The script.

    Raises:
        CircuitError: An operation has no form, or a dtype no typed array; the message names it.

    Example:
        >>> from backpass.circuit import trace
        >>> from backpass.circuit.operations import relu
        >>> script_of(trace(lambda x: relu(x - 1.0), [("n",)])).source
        '(l,c)=>{const n=l.n,t0=D(n);return(a0)=>{for(let i=0;i<n;i++)t0[i]=relu(a0[i]-1);return[t0]}}'
    """
    names = dict.fromkeys(d for spec in circuit.inputs for d in spec.shape if isinstance(d, str))
    writer = Writer({name: f"n{number or ''}" for number, name in enumerate(names)}, kernels)
    values: list[Value] = []
    for number, spec in enumerate(circuit.inputs):
        typed_array(spec.dtype)
        values.append(View.whole(writer.shape(spec.shape), spec.dtype, f"a{number}"))
    readers = Counter([i for _, node in circuit.operations for i in node.inputs] + [*circuit.outputs])
    for number, node in circuit.operations:
        value = _written(writer, node, [values[i] for i in node.inputs])
        values.append(writer.stored(value) if readers[number] > 1 and not isinstance(value, Literal) else value)
    outputs = _outputs(writer, [values[i] for i in circuit.outputs])
    return Script(_source(writer, len(circuit.inputs), outputs), tuple(writer.constants), frozenset(writer.functions))


def _written(writer: Writer, node: Node, values: Sequence[Value]) -> Value:
    name = node.operation.name
    if name not in FORMS:
        place = f" ({node.label})" if node.label else ""
        raise CircuitError(
            f"operation {name.rstrip('_')!r}{place} has no form in JavaScript: "
            f"{WITHOUT_FORM.get(name, 'none is declared')}",
            hint="leave it out of the export",
        )
    return FORMS[name](writer, node, values)


def _outputs(writer: Writer, values: Sequence[Value]) -> list[str]:
    """The variables of the outputs: each is a buffer of its own, in row-major order."""
    names: list[str] = []
    for value in values:
        is_own = isinstance(value, View) and value.buffer.startswith("t") and value.buffer not in names
        whole = value if is_own and value.flat("i", value.shape) is not None else writer.copied(value)
        assert isinstance(whole, View)
        names.append(whole.buffer)
    return names


def _source(writer: Writer, inputs: int, outputs: Sequence[str]) -> str:
    statements, buffers = merged(writer.statements), writer.buffers
    if writer.kernels is None:
        statements, buffers = shortened(writer.statements, buffers, outputs)
    lengths = [f"{constant}=l{_member(name)}" for name, constant in writer.lengths.items()]
    arguments = ",".join(f"a{number}" for number in range(inputs))
    defined = f"const {','.join([*lengths, *buffers])};" if lengths or buffers else ""
    made = f",{{{','.join(_replaceable(writer))}}}" if writer.kernels else ""
    body = "".join(statements)
    return f"(l,c{made})=>{{{defined}return({arguments})=>{{{body}return[{','.join(outputs)}]}}}}"


def _member(name: str) -> str:
    """The member of an object with this name, behind the object."""
    return f".{name}" if re.fullmatch(r"[A-Za-z]\w*", name) else f"[{json.dumps(name)}]"


def _replaceable(writer: Writer) -> list[str]:
    """What a script with kernels takes in its third argument."""
    assert writer.kernels is not None
    return ["F", "U", "W", *sorted(writer.functions & {"mm", "sums", "philox", *writer.kernels.names})]
