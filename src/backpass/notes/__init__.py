"""The notes: the equations and algorithms of CS229's deep-learning notes, written out line by line.

Functions have the notes' names and follow the notes' convention: a vector is a column, W is (m, d). They are slow and
short, to be read and checked by hand; the tests compare the library with them.

    costs            section 1: costs, gradient descent, Algorithms 1 and 2
    networks         section 2: a neuron, wired units, two layers by loops and by matrices, r layers
    backpropagation  section 3: the chain rule, the claims, Algorithms 3 and 4
    columns          section 4: examples as columns, and the translation to rows

The lessons of the documentation also use:

    exercises        checks of answers to their exercises
    chart            points, lines and bars as SVG
"""

from backpass.notes.backpropagation import (
    BackwardPass,
    activation_gradient,
    affine_gradients,
    algorithm_3,
    algorithm_4,
    chain_rule,
)
from backpass.notes.chart import Band, Line, Points, bars, chart
from backpass.notes.columns import (
    columns_from_theta,
    pre_activations,
    pre_activations_of_rows,
    stack_columns,
    theta_from_columns,
)
from backpass.notes.costs import (
    algorithm_1,
    algorithm_2,
    gradient_descent,
    mean_squared_cost,
    nonlinear_model,
    squared_cost,
)
from backpass.notes.exercises import check_exercise
from backpass.notes.networks import (
    linear_on_features,
    many_layers,
    relu,
    sigmoid,
    single_neuron,
    stack_rows,
    tanh,
    two_layers_by_loops,
    two_layers_by_matrices,
    two_linear_layers,
    wired_house,
)

__all__ = [
    "BackwardPass",
    "Band",
    "Line",
    "Points",
    "activation_gradient",
    "affine_gradients",
    "algorithm_1",
    "algorithm_2",
    "algorithm_3",
    "algorithm_4",
    "bars",
    "chain_rule",
    "chart",
    "check_exercise",
    "columns_from_theta",
    "gradient_descent",
    "linear_on_features",
    "many_layers",
    "mean_squared_cost",
    "nonlinear_model",
    "pre_activations",
    "pre_activations_of_rows",
    "relu",
    "sigmoid",
    "single_neuron",
    "squared_cost",
    "stack_columns",
    "stack_rows",
    "tanh",
    "theta_from_columns",
    "two_layers_by_loops",
    "two_layers_by_matrices",
    "two_linear_layers",
    "wired_house",
]
