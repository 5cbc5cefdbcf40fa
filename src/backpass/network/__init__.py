"""Networks: activations, layers, losses, initializations and h_theta(x) itself (CS229 section 2).

Reading order: ``custom_activation``, ``activations``, ``parameters``, ``layers``, ``input_layers``, ``losses``,
``backward``, ``schemes``, ``network``, ``initialization``, ``activity``, ``column_scales``, ``feature_map``. The
package depends on circuits; it does not depend on tables or training.
"""

from backpass.network.activations import ACTIVATIONS, Activation, activation_named, activation_of, range_of, saturates
from backpass.network.activity import DeadUnits, dead_units
from backpass.network.backward import BackwardPass
from backpass.network.column_scales import SCALINGS
from backpass.network.custom_activation import CUSTOM, CustomActivation
from backpass.network.feature_map import FeatureMap
from backpass.network.initialization import fit_output, frequency_scales, initialize, initialize_from_data
from backpass.network.input_layers import Embedding, LearnedInputScale, Periodic, Projection, Selection
from backpass.network.layers import (
    LINKS,
    Dense,
    Dropout,
    KernelRegression,
    Layer,
    ParametricActivation,
    RandomKey,
    ScaledDense,
    Unit,
    Wired,
)
from backpass.network.losses import LOSSES, Loss, loss_named, mean_loss, summed_loss, weighted_loss
from backpass.network.network import Network, dense_network
from backpass.network.parameters import FIXED, GROUPS, Layout, Parameter
from backpass.network.plain_data import LAYERS
from backpass.network.schemes import INITIALIZATIONS

__all__ = [
    "ACTIVATIONS",
    "CUSTOM",
    "FIXED",
    "GROUPS",
    "INITIALIZATIONS",
    "LAYERS",
    "LINKS",
    "LOSSES",
    "SCALINGS",
    "Activation",
    "BackwardPass",
    "CustomActivation",
    "DeadUnits",
    "Dense",
    "Dropout",
    "Embedding",
    "FeatureMap",
    "KernelRegression",
    "Layer",
    "Layout",
    "LearnedInputScale",
    "Loss",
    "Network",
    "Parameter",
    "ParametricActivation",
    "Periodic",
    "Projection",
    "RandomKey",
    "ScaledDense",
    "Selection",
    "Unit",
    "Wired",
    "activation_named",
    "activation_of",
    "dead_units",
    "dense_network",
    "fit_output",
    "frequency_scales",
    "initialize",
    "initialize_from_data",
    "loss_named",
    "mean_loss",
    "range_of",
    "saturates",
    "summed_loss",
    "weighted_loss",
]
