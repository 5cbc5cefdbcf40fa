"""The model: what ``fit`` makes and ``load`` returns; it joins table, network and training.

Reading order: ``settings``, ``split``, ``scaling``, ``link``, ``head``, ``heads``, ``part``, ``start``, ``problem``,
``baseline``, ``ensemble_size``, ``fitting``, ``stream``, ``model``, ``residuals``, ``profile``, ``diagnostics``, ``record``,
``form``, ``coherence``, ``checkpoint``; how files rest on disk: ``container``, ``header``, ``arrays``, ``storage``,
``format_1``; for other runtimes: ``circuits``, ``onnx``, ``onnx_dates``, ``onnx_names``, ``onnx_reading``,
``onnx_inputs``.
"""

from backpass.model.fitting.data_split import Rows
from backpass.model.fitting.fit import fit, fit_problem
from backpass.model.fitting.problem import Problem, assemble, make_problem
from backpass.model.fitting.stream import Stream
from backpass.model.model import Model, Predictions, from_bytes, load
from backpass.model.record import Record
from backpass.model.settings.settings import Settings

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
