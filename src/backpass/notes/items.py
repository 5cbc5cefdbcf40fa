"""Items: every numbered equation, algorithm, claim, theorem, figure and footnote of the notes, in our own words.

Definitions and marked lines are found by ``marks``; ``checks`` compares each item with the library.
"""

from __future__ import annotations

from types import MappingProxyType

from backpass.dataclass import dataclass
from backpass.errors import UsageError, did_you_mean

_FIT = "backpass fit housing.csv --target median_house_value"
_SGD = f"{_FIT} --hidden 8 --optimizer sgd --schedule constant"
_WIRE = (
    f"{_FIT} --wire family_size=average_rooms,average_bedrooms --wire walkable=latitude"
    " --wire school_quality=latitude,median_income"
)
_NEURON = f"{_FIT} --columns median_income --hidden none --output-activation relu"
_SHOW, _DRAW = "backpass show housing.backpass", "backpass draw 4-3-1 --output network.svg"
_GRADIENT = "backpass draw 3-4-1 --gradient --output gradient.svg"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the notes.

    Attributes:
        key: The number of an equation, such as 3.12, or the name, such as Algorithm 1.
        statement: What it says, in our own words.
        tex: The formula as TeX; empty if there is none.
        command: A command that shows it; empty if there is none.
    """

    key: str
    statement: str
    tex: str = ""
    command: str = ""

    @property
    def title(self) -> str:
        """The item as marks name it: (3.12), Algorithm 1."""
        return f"({self.key})" if self.key[0].isdigit() else self.key

    @property
    def section(self) -> int:
        """The section of the notes, 1 to 4."""
        return int(self.key[0]) if self.key[0].isdigit() else _SECTIONS[self.key]


_SECTIONS = {
    **{f"Algorithm {i}": section for i, section in ((1, 1), (2, 1), (3, 3), (4, 3))},
    "Theorem 3.1": 3,
    **{f"Claim 3.{i}": 3 for i in (2, 3, 4)},
    **{f"Figure {i}": 2 for i in (1, 2, 3)},
    **{f"footnote {i}": section for i, section in ((1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (6, 3), (7, 4))},
}

_ALL = (
    Item("footnote 1", "Any non-linear function of theta and x is a model.",
         r"h_\theta(x) = \theta_1^2 x_1^2 + \dots + \theta_d^2 x_d^2"),
    Item("1.1", "The squared cost of one example.", r"J^{(i)}(\theta) = \tfrac12 (h_\theta(x^{(i)}) - y^{(i)})^2"),
    Item("1.2", "The cost of a data set is the mean over its examples.",
         r"J(\theta) = \frac1n \sum_{i=1}^n J^{(i)}(\theta)", f"{_FIT} --loss squared"),
    Item("1.3", "Gradient descent steps against the gradient of all examples.",
         r"\theta := \theta - \alpha \nabla_\theta J(\theta)", f"{_SGD} --sampling full"),
    Item("footnote 2", "The sign := overwrites a variable; = states a fact."),
    Item("Algorithm 1", "Stochastic gradient descent: each iteration draws one example, with replacement.", "",
         f"{_SGD} --sampling uniform --batch-size 1 --max-steps 20000"),
    Item("1.4", "A step of stochastic gradient descent uses the gradient at the drawn example.",
         r"\theta := \theta - \alpha \nabla_\theta J^{(j)}(\theta)",
         f"{_SGD} --sampling uniform --batch-size 1 --max-steps 20000"),
    Item("Algorithm 2", "Mini-batch SGD: each iteration draws B different examples.", "",
         f"{_SGD} --sampling minibatch --batch-size 32"),
    Item("1.5", "A step of mini-batch SGD uses the mean gradient of the B drawn examples.",
         r"\theta := \theta - \frac{\alpha}{B} \sum_{k=1}^B \nabla_\theta J^{(j_k)}(\theta)",
         f"{_SGD} --sampling minibatch --batch-size 32"),
    Item("2.1", "One neuron on one input; max(t, 0) is the ReLU.", r"h_\theta(x) = \max(w x + b, 0)", _NEURON),
    Item("Figure 1", "A line with a kink: prices do not fall below zero.", "", _NEURON),
    Item("2.2", "One neuron on d inputs: a network of one layer.", r"h_\theta(x) = \mathrm{ReLU}(w^\top x + b)",
         f"{_FIT} --hidden none --output-activation relu"),
    Item("Figure 2", "Three hidden units, each wired to some of the inputs, and an output on them.", "", _WIRE),
    Item("2.3", "The output is linear in the wired hidden units; theta has 12 numbers.",
         r"h_\theta(x) = \theta_9 a_1 + \theta_{10} a_2 + \theta_{11} a_3 + \theta_{12}", _WIRE),
    Item("footnote 3", "The last layer usually has no ReLU, so that outputs can be negative.", "", _DRAW),
    Item("2.4", "Fully connected: every hidden unit sees every input.", r"a_j = \mathrm{ReLU}(w_j^\top x + b_j)",
         f"{_FIT} --hidden 3"),
    Item("Figure 3", "A fully connected network with one hidden layer.", "", _DRAW),
    Item("2.5", "The pre-activation of hidden unit j, one number at a time.",
         r"z_j = {w_j^{[1]}}^\top x + b_j^{[1]}, \quad a_j = \mathrm{ReLU}(z_j)"),
    Item("2.6", "The output of a two-layer network.", r"h_\theta(x) = {w^{[2]}}^\top a + b^{[2]}"),
    Item("2.7", "The weight matrix stacks the weight vectors of the units.",
         r"W^{[1]} = [{w_1^{[1]}}^\top; \dots; {w_m^{[1]}}^\top] \in \mathbb{R}^{m \times d}"),
    Item("2.8", "All pre-activations at once, written out.", r"z_j = \sum_{i=1}^d W_{ji}^{[1]} x_i + b_j^{[1]}"),
    Item("2.9", "All pre-activations as a product of a matrix and a vector.", r"z = W^{[1]} x + b^{[1]}"),
    Item("2.10", "The activation applies to each element.", r"a = \mathrm{ReLU}(z)"),
    Item("2.11", "The two-layer network in matrices.",
         r"a = \mathrm{ReLU}(W^{[1]} x + b^{[1]}), \quad h_\theta(x) = W^{[2]} a + b^{[2]}", f"{_FIT} --hidden 8"),
    Item("2.12", "A network of r layers; the last one is linear.",
         r"h_\theta(x) = W^{[r]} a^{[r-1]} + b^{[r]}", f"{_FIT} --hidden 64,64,32"),
    Item("2.13", "Each layer follows from the one before.", r"a^{[k]} = \mathrm{ReLU}(W^{[k]} a^{[k-1]} + b^{[k]})",
         _SHOW),
    Item("2.14", "The sigmoid.", r"\sigma(z) = \frac{1}{1 + e^{-z}}", f"{_FIT} --hidden 8 --activation sigmoid"),
    Item("2.15", "The hyperbolic tangent.", r"\sigma(z) = \frac{e^z - e^{-z}}{e^z + e^{-z}}",
         f"{_FIT} --hidden 8 --activation tanh"),
    Item("2.16", "Without biases, the output of two layers is linear in the hidden units.",
         r"h_\theta(x) = W^{[2]} a^{[1]}"),
    Item("2.17", "The hidden units are the activation of z.", r"h_\theta(x) = W^{[2]} \sigma(z^{[1]})"),
    Item("2.18", "With the identity as the activation, z itself.", r"h_\theta(x) = W^{[2]} z^{[1]}"),
    Item("2.19", "So the output is a product of two matrices with x.", r"h_\theta(x) = W^{[2]} W^{[1]} x"),
    Item("2.20", "Two linear layers are one.", r"h_\theta(x) = \tilde W x, \quad \tilde W = W^{[2]} W^{[1]}",
         f"{_FIT} --hidden 8 --activation identity"),
    Item("2.21", "The network is linear on its learned features, the penultimate activations.",
         r"h_\theta(x) = W^{[r]} \phi_\beta(x) + b^{[r]}",
         "backpass fit rents.csv -t rent --features-of housing.backpass"),
    Item("Theorem 3.1", "The gradient of a circuit of size N is a circuit of size O(N), computed in time O(N).", "",
         _GRADIENT),
    Item("footnote 4", "The gradient with respect to an argument that f does not use is zero and costs nothing."),
    Item("3.1", "Intermediate variables depend on theta.", r"g_j = g_j(\theta_1, \dots, \theta_p)"),
    Item("3.2", "J depends on the intermediate variables.", r"J = J(g_1, \dots, g_k)"),
    Item("3.3", "The chain rule adds up the paths through all intermediate variables.",
         r"\frac{\partial J}{\partial \theta_i} = \sum_{j=1}^k \frac{\partial J}{\partial g_j}"
         r" \frac{\partial g_j}{\partial \theta_i}", _GRADIENT),
    Item("3.4", "The loss of a two-layer network, step by step.",
         r"J = \tfrac12 (y - o)^2, \quad o = W^{[2]} a + b^{[2]}"),
    Item("footnote 5", "NumPy takes a vector as a row, the notes as a column."),
    Item("3.5", "The gradient with respect to the weights of the second layer.",
         r"\frac{\partial J}{\partial W^{[2]}} = (o - y) a^\top"),
    Item("3.6", "The gradient with respect to the bias of the second layer.",
         r"\frac{\partial J}{\partial b^{[2]}} = o - y"),
    Item("footnote 6", "The gradient is used for real-valued J only; it has the shape of what it belongs to."),
    Item("3.7", "The gradient with respect to the weights of the first layer.",
         r"\frac{\partial J}{\partial W^{[1]}} = \frac{\partial J}{\partial z} x^\top"),
    Item("Claim 3.2", "The gradients with respect to the weights and the bias of an affine map."),
    Item("3.8", "An affine map.", "z = W u + b"),
    Item("3.9", "J depends on it through z.", "J = J(z)"),
    Item("3.10", "The gradient with respect to the matrix is an outer product.",
         r"\frac{\partial J}{\partial W} = \frac{\partial J}{\partial z} u^\top"),
    Item("3.11", "The gradient with respect to the bias equals that with respect to z.",
         r"\frac{\partial J}{\partial b} = \frac{\partial J}{\partial z}"),
    Item("Claim 3.3", "The gradient before an activation."),
    Item("3.12", "The gradient passes an activation times its slope, element by element.",
         r"\frac{\partial J}{\partial z} = \frac{\partial J}{\partial a} \odot \sigma'(z)"),
    Item("3.13", "The gradient with respect to the hidden layer.",
         r"\frac{\partial J}{\partial a} = {W^{[2]}}^\top (o - y)"),
    Item("Claim 3.4", "The gradient with respect to the input of an affine map."),
    Item("3.14", "The gradient passes an affine map backward by the transposed matrix.",
         r"\frac{\partial J}{\partial u} = W^\top \frac{\partial J}{\partial v}"),
    Item("Algorithm 3", "Back-propagation for two layers.", "", _GRADIENT),
    Item("3.15", "The gradients with respect to the weights and the bias of layer k.",
         r"\frac{\partial J}{\partial W^{[k]}} = \delta^{[k]} {a^{[k-1]}}^\top, \quad"
         r" \frac{\partial J}{\partial b^{[k]}} = \delta^{[k]}"),
    Item("3.16", "The delta of the last layer.",
         r"\delta^{[r]} = \frac{\partial J}{\partial z^{[r]}} = z^{[r]} - y"),
    Item("3.17", "The next layer is an affine map of this one.", r"z^{[k+1]} = W^{[k+1]} a^{[k]} + b^{[k+1]}"),
    Item("3.18", "J depends on this layer through the next.", r"J = J(z^{[k+1]})"),
    Item("3.19", "The gradient with respect to the activations of layer k.",
         r"\frac{\partial J}{\partial a^{[k]}} = {W^{[k+1]}}^\top \delta^{[k+1]}"),
    Item("Algorithm 4", "Back-propagation for r layers: forward pass, then deltas from the last layer to the first.",
         "", "backpass draw 3-4-4-1 --gradient --output gradient.svg"),
    Item("4.1", "Examples side by side, one per column.", r"X = [x^{(1)}, \dots, x^{(n)}]"),
    Item("4.2", "All examples at once.", r"Z^{[1]} = W^{[1]} X + b^{[1]}"),
    Item("4.3", "Broadcasting repeats the bias for each example.",
         r"\tilde b^{[1]} = [b^{[1]}, \dots, b^{[1]}]"),
    Item("4.4", "With examples as rows, matrices are transposed and products turned around.",
         r"Z^{[1]} = X W^{[1]} + b^{[1]}"),
    Item("footnote 7", "Papers write examples as columns, since a matrix multiplies a vector from the left."),
)  # fmt: skip

ITEMS = MappingProxyType({item.key: item for item in _ALL})
"""Every item by its key, in the order of the notes."""


_SHORT = {"equation": "", "eq": "", "alg": "algorithm ", "thm": "theorem ", "fig": "figure "}
"""Ways to write a kind of item; they do not apply to the full names, which start with the same letters."""


def item_named(name: str) -> Item:
    """Look up an item; the case and the form do not matter: 3.12, (3.12), eq. 3.12, algorithm 4.

    Raises:
        UsageError: If the notes have no such item; the message gives the nearest one.

    >>> item_named("eq. (3.12)").key, item_named("alg 4").key
    ('3.12', 'Algorithm 4')
    """
    wanted = name.strip().lower().replace("(", "").replace(")", "")
    for key, item in ITEMS.items():
        if key.lower() == wanted:
            return item
    for short, long in _SHORT.items():
        if wanted.startswith(short):
            wanted = long + wanted.removeprefix(short).removeprefix(".").lstrip()
            break
    for key, item in ITEMS.items():
        if key.lower() == wanted:
            return item
    raise UsageError(f"the notes have no {name!r}", hint=did_you_mean(wanted, list(ITEMS)))
