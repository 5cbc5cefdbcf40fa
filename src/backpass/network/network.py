"""Network: layers in sequence, from a single neuron to r layers (CS229 section 2).

It maps theta and x to outputs. ``training`` finds theta; ``feature_map`` computes x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, label, named, trace
from backpass.dataclass import dataclass
from backpass.errors import ShapeError, UsageError, seed_errors, whole_number_errors
from backpass.network.activations import Activation
from backpass.network.backward import BackwardPass, backward_pass
from backpass.network.input_layers import Periodic, Projection
from backpass.network.layers import Dense, Dropout, Layer, RandomKey, Wired
from backpass.network.losses import Loss, loss_named
from backpass.network.parameters import FIXED, Layout
from backpass.network.plain_data import layer_from_json, layer_to_json
from backpass.network.schemes import initial_theta
from backpass.numerics.philox import key_of
from backpass.once import Once


@dataclass(frozen=True, slots=True)
class Network:
    """h_theta(x): a^[0] = x, a^[k] = sigma(a^[k-1] W^[k] + b^[k])    CS229 (2.12), (2.13)

    Attributes:
        inputs: d.
        layers: The layers; the last one is the output layer.

    >>> network = dense_network(4, (3,), 1)
    >>> network.parameter_count, network.neuron_count
    (19, 4)
    """

    inputs: int
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers or not self.layers[-1].neurons:
            raise UsageError("a network needs at least one layer of neurons, and one at its end")
        errors = [
            f"layer {number} of {len(self.widths)}: {message}" if layer.neurons else message
            for number, layer, width in self.numbered()
            for message in layer.errors(width)
        ]
        if any(isinstance(layer, Projection) for layer in self.layers[1:]):
            errors.append("a projection must be the first layer")
        if not errors:
            names = [parameter.name for parameter in self.layout.parameters]
            errors = [f"two arrays are named {name}" for name in sorted({n for n in names if names.count(n) > 1})]
        if errors:
            raise UsageError("the network cannot be built", details=errors)

    def numbered(self) -> Iterator[tuple[str, Layer, int]]:
        """Each layer with its number and its number of inputs; a layer without neurons shares the number before."""
        width, number = self.inputs, 0
        for layer in self.layers:
            number += layer.neurons
            yield str(number), layer, width
            width = layer.width(width)

    @property
    def layout(self) -> Layout:
        """The positions of each W^[k] and b^[k] in theta."""
        return Layout(tuple(p for number, layer, width in self.numbered() for p in layer.parameters(width, number)))

    @property
    def widths(self) -> tuple[int, ...]:
        """m_1, ..., m_r: the units of each layer of neurons."""
        return tuple(layer.width(width) for _, layer, width in self.numbered() if layer.neurons)

    @property
    def outputs(self) -> int:
        return self.widths[-1]

    @property
    def parameter_count(self) -> int:
        """(d+1) m_1 + (m_1+1) m_2 + ... + (m_{r-1}+1) m_r for dense layers    CS229, after eq. (2.13)"""
        return self.layout.size

    @property
    def fixed_count(self) -> int:
        """The number of parameters that are fitted before training and not trained; they come first in theta."""
        return sum(parameter.size for parameter in self.layout.parameters if parameter.group == FIXED)

    @property
    def neuron_count(self) -> int:
        """m_1 + ... + m_r    CS229, after eq. (2.13)"""
        return sum(self.widths)

    def __call__(self, theta: Array, x: Array, draws: RandomKey | None = None) -> Array:
        """The outputs h_theta(x).

        theta (P,)   x (n, d)   ->   (n, m_r)

        Raises:
            ShapeError: If the shape of x or theta is wrong; the message names the layer.
        """
        return self._run(theta, x, draws, len(self.layers))

    def features(self, theta: Array, x: Array) -> Array:
        """The penultimate activations phi_beta(x) = a^[r-1], on which the network is linear    CS229 (2.21)

        theta (P,)   x (n, d)   ->   (n, m_{r-1}); for a network of one layer x itself

        Args:
            theta: The parameters (P,).
            x: The inputs (n, d).
        """
        return self._run(theta, x, None, len(self.layers) - 1)

    def _run(self, theta: Array, x: Array, draws: RandomKey | None, stop: int) -> Array:
        return self.apply(self.layout.views(theta), x, draws, stop=stop)

    def apply(
        self, arrays: Mapping[str, Array], x: Array, draws: RandomKey | None = None, *, stop: int | None = None
    ) -> Array:
        """The outputs from W^[k] and b^[k] by name instead of theta; in circuits z^[k] and a^[k] have names.

        Args:
            arrays: W1, b1, ... as ``layout`` names them.
            x: (n, d).
            draws: The random numbers of a training step; None outside training.
            stop: The number of layers to apply; all of them by default.

        Raises:
            ShapeError: If an array is absent, or the shape of x is wrong; the message names it or the layer.
        """
        depth = len(self.widths)
        if not isinstance(arrays, Mapping):
            hint = "layout.views(theta) has them by name; network(theta, x) takes theta itself"
            got = f"a value of type {type(arrays).__name__}"
            raise ShapeError(f"apply expected a dict of the arrays W1, b1, ... by name; got {got}", hint=hint)
        names = [each.name for each in self.layout.parameters] if stop is None else []
        if absent := [name for name in names if name not in arrays]:
            raise ShapeError(f"apply expected the arrays {', '.join(names)}; got none named {', '.join(absent)}")
        if not hasattr(x, "ndim"):
            raise ShapeError(f"x expected an array (n, {self.inputs}); got a value of type {type(x).__name__}")
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise ShapeError(
                f"layer 1 of {depth} ({self.inputs} -> {self.widths[0]}) expected {self.inputs} columns; "
                f"got shape {list(x.shape)}",
                hint="NumPy takes a vector as a row (CS229, footnote 5): x[None] is one example" if x.ndim == 1 else "",
            )
        layers = list(self.numbered())
        for i, (number, layer, _) in enumerate(layers[:stop]):
            kind = layer.kind.replace("_", " ")
            place = f"{kind} after layer {number}" if int(number) else f"{kind} before layer 1"
            with label(f"layer {number} of {depth}" if layer.neurons else place):
                x = layer(arrays, x, number, draws)
                if i + 1 == len(layers) or layers[i + 1][1].neurons:  # what follows belongs to the next number
                    x = named(x, f"a{number}")
        return x

    def activations(self, theta: Array, x: Array) -> list[Array]:
        """a^[1], ..., a^[r]: the outputs of every layer of neurons    CS229 (2.13)

        theta (P,)   x (n, d)   ->   a^[k] (n, m_k)

        Args:
            theta: The parameters (P,).
            x: The inputs (n, d).

        >>> network = dense_network(1, (1,), 1)
        >>> [a.item() for a in network.activations(numpy.array([2.0, 1.0, 1.0, -5.0]), numpy.array([[1.0]]))]
        [3.0, -2.0]
        """
        arrays = self.layout.views(theta)
        layers = [layer for _, layer, _ in self.numbered()]
        ends = [i for i, layer in enumerate(layers) if i and layer.neurons]
        stops = [stop for stop in (*ends, len(layers)) if any(layer.neurons for layer in layers[:stop])]
        return [self.apply(arrays, x, stop=stop) for stop in stops]

    def backward(self, theta: Any, x: Any, y: Any, loss: str | Loss = "squared") -> BackwardPass:
        """J, and per layer z, a, delta, dW and db: the backward pass    CS229 Algorithm 3, Algorithm 4

        J is the mean over the examples; for one example the numbers are those of the notes, transposed. From layer to
        layer they follow CS229 (3.15), (3.16), (3.17), (3.18), (3.19).

        Args:
            theta: The parameters (P,).
            x: The examples (n, d), or one example (d,).
            y: The targets (n,) or (n, k); a number for one example with one output.
            loss: The loss, or its name.

        Returns:
            The values, which print as a table and draw as the circuit that computed them.

        Raises:
            ShapeError: If the shape of theta, x or y is wrong.

        >>> network = dense_network(2, (2,), 1)
        >>> theta = network.layout.vector({"W1": [[1, 0], [1, -1]], "b1": [0, 1], "W2": [[2], [3]], "b2": [0.5]})
        >>> back = network.backward(theta, [1.0, 2.0], 6.0)
        >>> back.J, back.delta[1], back.dW[2].T
        (0.125, array([[1., 0.]]), array([[1.5, 0. ]]))
        >>> print(back)
        J = 0.125
        <BLANKLINE>
        layer   z             a           delta
        1       [[ 3. -1.]]   [[3. 0.]]   [[1. 0.]]
        2       [[6.5]]       [[6.5]]     [[0.5]]
        <BLANKLINE>
        dW1 = [[1. 0.]
               [2. 0.]]
        <BLANKLINE>
        db1 = [1. 0.]
        <BLANKLINE>
        dW2 = [[1.5]
               [0. ]]
        <BLANKLINE>
        db2 = [0.5]
        """
        views = {name: numpy.array(view) for name, view in self.layout.views(numpy.asarray(theta, float)).items()}
        chosen = loss_named(loss) if isinstance(loss, str) else loss
        return backward_pass(self.apply, views, (self.inputs, *self.widths), x, y, chosen, self._wires())

    def _wires(self) -> dict[int, NDArray[numpy.bool_]]:
        """k -> which inputs each unit of a wired layer reads, (m_{k-1}, m_k)."""
        neurons = [(layer, width) for _, layer, width in self.numbered() if layer.neurons]
        return {k: layer.wires(width) for k, (layer, width) in enumerate(neurons, 1) if isinstance(layer, Wired)}

    def initialize(self, seed: int = 0, scheme: str = "he", dtype: Any = numpy.float64) -> NDArray[Any]:
        """Initialize theta randomly: weights by the scheme, biases 0    CS229 Algorithm 1, Algorithm 2

        Args:
            seed: The seed; the same seed gives the same theta.
            scheme: "he", "glorot", "uniform" or "normal".
            dtype: The dtype of theta.

        Returns:
            theta (P,).

        Raises:
            UsageError: If the scheme is unknown, or the seed is not a nonnegative integer.

        >>> theta = dense_network(4, (3,), 1).initialize(seed=0)
        >>> theta.shape, theta[12:15]
        ((19,), array([0., 0., 0.]))
        """
        if errors := seed_errors(seed):
            raise UsageError(errors[0])
        theta: NDArray[Any] = initial_theta(self.layout, scheme, numpy.dtype(dtype))(key_of(int(seed)))
        return theta

    def forward(self, dtype: Any = numpy.float32, *, features: bool = False) -> Circuit:
        """The circuit (theta, x) -> outputs, or -> penultimate activations, for any number of rows.

        Args:
            dtype: The dtype of theta and x. Default float32.
            features: Whether the circuit ends at the penultimate activations. Default False.
        """
        return _forward(self, numpy.dtype(dtype), features)

    @property
    def is_linear(self) -> bool:
        """Whether every activation is the identity, so that the network, outside training, is a single linear map."""
        return all(layer.is_linear for layer in self.layers)

    def collapse(self, theta: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The single linear map x W~ + b~ of a network of identity activations

        CS229 (2.16), (2.17), (2.18), (2.19), (2.20), with biases.

        W~ = W^[1] W^[2] ... W^[r]    b~ = (... (b^[1] W^[2] + b^[2]) ...) W^[r] + b^[r]

        theta (P,)   ->   W~ (d, m_r), b~ (m_r,)

        Args:
            theta: The parameters (P,).

        Raises:
            UsageError: If an activation is not the identity.
        """
        if not self.is_linear:
            raise UsageError("only a network whose activations are all the identity collapses to a linear map")
        b = self(theta, numpy.zeros((1, self.inputs), theta.dtype))
        # With biases 0 the identity matrix maps to W~; no large b~ is added and subtracted.
        weights = theta * self.layout.per_group({"bias": 0.0}).astype(theta.dtype)
        W = self(weights, numpy.eye(self.inputs, dtype=theta.dtype))
        # A projection has a constant of its own.
        W = W - self(weights, numpy.zeros((1, self.inputs), theta.dtype)) if self.fixed_count else W
        return W, b[0]

    @property
    def without_scales(self) -> Network:
        """The network with frequency scales of 1: they matter for its initial parameters only.

        The members of an ensemble, which differ in them, share the circuits of this network.
        """
        return self.with_scales(1.0)

    def with_scales(self, deviation: float) -> Network:
        """The network whose initial frequencies have this standard deviation in every periodic embedding.

        Args:
            deviation: The standard deviation.
        """
        layers = [replace(each, deviation=deviation) if isinstance(each, Periodic) else each for each in self.layers]
        return replace(self, layers=tuple(layers))

    def to_json(self) -> dict[str, Any]:
        """The network as plain data for the model file."""
        return {"inputs": self.inputs, "layers": [layer_to_json(layer) for layer in self.layers]}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Network:
        """A network from plain data.

        Args:
            data: What ``to_json`` returns.

        Raises:
            ValueError, KeyError or UsageError: If the data do not describe a network.
        """
        return Network(int(data["inputs"]), tuple(layer_from_json(layer) for layer in data["layers"]))


@lru_cache(maxsize=64)  # every validation score asks for it
def _forward(network: Network, dtype: numpy.dtype[Any], features: bool) -> Circuit:
    return _traced(network.without_scales, dtype, features)


@Once
def _traced(network: Network, dtype: numpy.dtype[Any], features: bool) -> Circuit:
    """Trace a network once, so that engines recognize the circuit and reuse their work."""
    run = network.features if features else network.__call__
    return trace(run, [Spec((network.parameter_count,), dtype), Spec(("n", network.inputs), dtype)])


def dense_network(
    inputs: int,
    hidden: Sequence[int],
    outputs: int,
    *,
    activation: Activation | Callable[[Array], Array] = "relu",
    output_activation: Activation | Callable[[Array], Array] = "identity",
    dropout: float = 0.0,
) -> Network:
    """A fully connected network d -> m_1 -> ... -> m_r    CS229 (2.4), (2.12)

    Without hidden layers it is CS229 (2.2), with one it is CS229 (2.6), (2.11), Figure 3. The output has no ReLU unless
    an output activation is given, CS229 footnote 3.

    One unit with ReLU as the output activation is the line with a kink in Figure 1.

    Args:
        inputs: The number of inputs d.
        hidden: The number of units of each hidden layer, (m_1, ..., m_{r-1}); () for none.
        outputs: The number of outputs m_r.
        activation: The activation of the hidden layers: a name, or a function of the operations that acts element by
            element. Default "relu".
        output_activation: The activation of the output layer, likewise. Default "identity".
        dropout: The dropout rate after each hidden layer. Default 0: none.

    Returns:
        The network, without parameters; ``Network.initialize`` draws them.

    Raises:
        UsageError: A size is not a whole number of at least 1, or an activation is unknown or not elementwise.

    >>> from backpass import operations
    >>> dense_network(4, (3,), 1, activation=lambda z: z * operations.sigmoid(z)).parameter_count
    19
    """
    if errors := whole_number_errors(1, inputs=inputs):
        raise UsageError(errors[0])
    sizes: Any = hidden
    if isinstance(sizes, str) or not isinstance(sizes, Iterable):
        raise UsageError(f"hidden takes a list of numbers of units; got {sizes!r}")
    layers: list[Layer] = []
    for units in hidden:
        layers.append(Dense(units, activation))
        if dropout:
            layers.append(Dropout(dropout))
    return Network(inputs, (*layers, Dense(outputs, output_activation)))
