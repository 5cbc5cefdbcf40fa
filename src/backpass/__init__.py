"""Backpass: neural networks for tables.

    fit, load                                  from a table to a model, and back from its file
    fit_groups                                 a small network for each group of rows, in one model
    read_table, Callback                       a file as a table; an observer of the training run
    report, explain                            a model as an HTML page; contributions of columns to predictions
    permutation_importance                     how much the score depends on each column
    cross_validate                             scores on all rows in turn
    distill                                    one small network that predicts like a model of many
    tune                                       the best settings for a table, and the model fitted with them
    onnx_inputs                                a table as the inputs of an exported model
    BackpassRegressor, BackpassClassifier      the same with scikit-learn's interface
    grad, value_and_grad, trace, check_gradient
                                               automatic differentiation of functions of arrays
    named, named_gradients                     intermediate values with names, and the gradients with respect to them
    operations                                 the operations that such functions are made of
    Network, dense_network, fit_function       networks built by hand, and any h_theta(x), trained

The packages and the modules beside them, lowest first; each imports only from those before it:

    dataclass  data classes whose methods are shared
    first_use  names that are imported when they are first used
    once       results that are kept, and computed by one thread
    idiom      options in messages, as the command line or as Python writes them
    errors     the exceptions
    numerics   deterministic elementary functions and random numbers
    circuit    functions of arrays as circuits, and their gradients      CS229 section 3
    engine     runs circuits
    network    activations, layers, losses, h_theta(x)                   CS229 section 2
    training   minimizes J(theta)                                        CS229 section 1
    notes      the equations and algorithms of the notes, line by line
    datasets   the sample tables of the package
    table      files and data frames -> columns -> numbers
    model      what fit makes and load returns
    estimators scikit-learn's interface to the model
    reporting  history and results as numbers, pictures and one HTML page
    playground a page that trains a network in the browser
    cli        the command line

Reading order: ``circuit.operation``, ``circuit.gradient``, ``network.network``, ``training.loop``,
``model.fitting.problem.preparation``.
"""

from typing import TYPE_CHECKING

from backpass._version import __version__
from backpass.first_use import imported_on_first_use

if TYPE_CHECKING:
    from backpass.circuit import check_gradient, grad, named, named_gradients, operations, trace, value_and_grad
    from backpass.errors import BackpassError, BackpassWarning
    from backpass.estimators import BackpassClassifier, BackpassRegressor
    from backpass.model import GroupedModel, Model, cross_validate, distill, fit, fit_groups, tune
    from backpass.model.grouped.loading import load
    from backpass.model.onnx_inputs import onnx_inputs
    from backpass.network import Network, dense_network
    from backpass.reporting import explain, permutation_importance, report
    from backpass.table import read_table
    from backpass.training import Callback
    from backpass.training.function import fit_function

_HOMES = {
    "BackpassClassifier": "backpass.estimators",
    "BackpassError": "backpass.errors",
    "BackpassRegressor": "backpass.estimators",
    "BackpassWarning": "backpass.errors",
    "Callback": "backpass.training",
    "GroupedModel": "backpass.model",
    "Model": "backpass.model",
    "Network": "backpass.network",
    "check_gradient": "backpass.circuit",
    "cross_validate": "backpass.model",
    "dense_network": "backpass.network",
    "distill": "backpass.model",
    "explain": "backpass.reporting",
    "fit": "backpass.model",
    "fit_groups": "backpass.model",
    "fit_function": "backpass.training.function",
    "grad": "backpass.circuit",
    "load": "backpass.model.grouped.loading",
    "named": "backpass.circuit",
    "named_gradients": "backpass.circuit",
    "onnx_inputs": "backpass.model.onnx_inputs",
    "operations": "backpass.circuit",
    "permutation_importance": "backpass.reporting",
    "read_table": "backpass.table",
    "report": "backpass.reporting",
    "trace": "backpass.circuit",
    "tune": "backpass.model",
    "value_and_grad": "backpass.circuit",
}

__all__ = [
    "BackpassClassifier",
    "BackpassError",
    "BackpassRegressor",
    "BackpassWarning",
    "Callback",
    "GroupedModel",
    "Model",
    "Network",
    "__version__",
    "check_gradient",
    "cross_validate",
    "dense_network",
    "distill",
    "explain",
    "fit",
    "fit_function",
    "fit_groups",
    "grad",
    "load",
    "named",
    "named_gradients",
    "onnx_inputs",
    "operations",
    "permutation_importance",
    "read_table",
    "report",
    "trace",
    "tune",
    "value_and_grad",
]

__getattr__ = imported_on_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
