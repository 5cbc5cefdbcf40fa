"""Automatic differentiation: traces functions of arrays into circuits and differentiates circuits (CS229 section 3).

Reading order: ``spec``, ``traced``, ``operation``, ``operations/``, ``circuit``, ``trace``, ``gradient``, ``check``.
The package does not depend on tables, networks or engines.
"""

from typing import TYPE_CHECKING

from backpass.circuit import operations
from backpass.circuit.circuit import Circuit
from backpass.circuit.gradient import NamedGradients, grad, gradient, named_gradients, value_and_grad
from backpass.circuit.primitive import Array
from backpass.circuit.recording import label, named
from backpass.circuit.spec import Spec
from backpass.circuit.trace import trace
from backpass.circuit.traced import Traced
from backpass.first_use import imported_on_first_use

if TYPE_CHECKING:
    from backpass.circuit.check import GradientReport, check_gradient

__all__ = [
    "Array",
    "Circuit",
    "GradientReport",
    "NamedGradients",
    "Spec",
    "Traced",
    "check_gradient",
    "grad",
    "gradient",
    "label",
    "named",
    "named_gradients",
    "operations",
    "trace",
    "value_and_grad",
]

__getattr__ = imported_on_first_use(
    __name__, dict.fromkeys(("GradientReport", "check_gradient"), "backpass.circuit.check")
)
