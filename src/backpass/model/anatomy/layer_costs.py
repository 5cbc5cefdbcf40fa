"""Layer costs: floating-point operations and time of each layer of a model, forward and backward.

Measuring any circuit lives in ``backpass.engine.scope_costs``.
"""

from __future__ import annotations

import numpy as np

from backpass.circuit import Array, Spec, trace, value_and_grad
from backpass.dataclass import dataclass
from backpass.engine.scope_costs import scope_costs
from backpass.model.anatomy.inspectable import Inspectable

ROWS = 1024
_BACKWARD = "gradient of "


@dataclass(frozen=True, slots=True)
class LayerCost:
    """The cost of one layer, per row.

    Attributes:
        layer: The layer.
        forward_flops: Floating-point operations of the outputs.
        backward_flops: Floating-point operations of the gradient.
        forward_seconds: Time of the outputs.
        backward_seconds: Time of the gradient.
    """

    layer: str
    forward_flops: float
    backward_flops: float
    forward_seconds: float
    backward_seconds: float


def layer_costs(model: Inspectable, rows: int = ROWS) -> list[LayerCost]:
    """Return the cost of each layer of one network, measured with NumPy on a batch of rows of zeros."""
    network, theta = model.network, model.theta.reshape(-1, model.network.parameter_count)[0]

    def J(theta: Array, x: Array) -> Array:  # noqa: N802  the name in the notes
        o = network(theta, x)
        return (o * o).sum()

    x = np.zeros((rows, network.inputs), theta.dtype)
    circuit = trace(value_and_grad(J), [theta, Spec(("n", network.inputs), theta.dtype)])
    found = {cost.label: cost for cost in scope_costs(circuit, [theta, x])}
    costs = []
    for label in found:
        if label.startswith(("gradient", "initialize")) or not label:
            continue
        back = found.get(_BACKWARD + label)
        costs.append(
            LayerCost(
                label,
                found[label].flops / rows,
                back.flops / rows if back else 0.0,
                found[label].seconds / rows,
                back.seconds / rows if back else 0.0,
            )
        )
    return costs
