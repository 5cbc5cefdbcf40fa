"""The model: what ``fit`` makes and ``load`` returns; it joins table, network and training.

Reading order: ``settings``, ``split``, ``scaling``, ``head``, ``problem``, ``baseline``, ``fitting``, ``model``,
``record``, ``form``, ``checkpoint``; how files rest on disk: ``container``, ``storage``; for other runtimes: ``onnx``.
"""

from backpass.model.fitting import fit, fit_problem
from backpass.model.model import Model, Predictions, from_bytes, load
from backpass.model.problem import Problem, make_problem
from backpass.model.record import Record
from backpass.model.settings import Settings

__all__ = [
    "Model",
    "Predictions",
    "Problem",
    "Record",
    "Settings",
    "fit",
    "fit_problem",
    "from_bytes",
    "load",
    "make_problem",
]
