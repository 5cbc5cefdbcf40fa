"""The model: what ``fit`` makes and ``load`` returns; it joins table, network and training.

Reading order: ``settings``, ``split``, ``scaling``, ``link``, ``head``, ``heads``, ``part``, ``start``, ``problem``,
``baseline``, ``ensemble``, ``fitting``, ``stream``, ``model``, ``residuals``, ``profile``, ``diagnostics``, ``record``,
``form``, ``coherence``, ``checkpoint``; how files rest on disk: ``container``, ``header``, ``arrays``, ``storage``,
``format_1``; for other runtimes: ``circuits``, ``onnx``, ``onnx_dates``, ``onnx_names``, ``onnx_reading``,
``onnx_inputs``.
"""

from backpass.model.fitting import fit, fit_problem
from backpass.model.model import Model, Predictions, from_bytes, load
from backpass.model.part import Rows
from backpass.model.problem import Problem, assemble, make_problem
from backpass.model.record import Record
from backpass.model.settings import Settings
from backpass.model.stream import Stream

__all__ = [
    "Model",
    "Predictions",
    "Problem",
    "Record",
    "Rows",
    "Settings",
    "Stream",
    "assemble",
    "fit",
    "fit_problem",
    "from_bytes",
    "load",
    "make_problem",
]
