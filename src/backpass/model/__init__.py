"""The model: what ``fit`` makes and ``load`` returns. It connects table, network and training.

Subpackages, lowest first:

    file          the bytes of model files and checkpoints, verified before anything is parsed
    settings      every setting of a fit, declared once, and the presets
    split         training, validation and test rows, and which rows must stay together
    metrics       the quality of predictions, and which metrics belong to a loss
    head          the meaning of a network's outputs for the target
    baseline      simple models that scores are compared with
    prediction    from rows to outputs, predictions and intervals
    evaluation    a model on rows with known targets, and warnings about it
    batches       predictions for tables of any length, window by window
    anatomy       the weights in the units of the columns, and the cost of each layer
    onnx          the export to ONNX
    javascript    the export to a JavaScript module
    fitting       from a table and settings to a trained model
    distillation  one small network that learns from a model
    assessment    cross-validation
    tuning        the search for the best settings for a table
    grouped       a network for each group of rows

Reading order of the modules here: ``model``, ``record``, ``profile``, ``saving``, ``form``, ``consistency``,
``loading``, ``onnx_inputs``.
"""

from typing import TYPE_CHECKING

from backpass.first_use import imported_on_first_use

if TYPE_CHECKING:
    from backpass.model.assessment.cross_validation import CrossValidation, cross_validate
    from backpass.model.distillation.distill import distill
    from backpass.model.fitting.fit import fit
    from backpass.model.fitting.fit_problem import fit_problem
    from backpass.model.fitting.problem.data_split import Rows
    from backpass.model.fitting.problem.preparation import assemble, make_problem
    from backpass.model.fitting.problem.problem import Problem
    from backpass.model.fitting.streaming.stream import Stream
    from backpass.model.grouped.fit import fit_groups
    from backpass.model.grouped.grouped_model import GroupedModel
    from backpass.model.loading import from_bytes, load
    from backpass.model.model import Model
    from backpass.model.prediction.predictions import Predictions
    from backpass.model.record import Record
    from backpass.model.settings.settings import Settings
    from backpass.model.tuning.tuning import Tuning, tune

_HOMES = {
    "CrossValidation": "backpass.model.assessment.cross_validation",
    "GroupedModel": "backpass.model.grouped.grouped_model",
    "Model": "backpass.model.model",
    "Predictions": "backpass.model.prediction.predictions",
    "Problem": "backpass.model.fitting.problem.problem",
    "Record": "backpass.model.record",
    "Rows": "backpass.model.fitting.problem.data_split",
    "Settings": "backpass.model.settings.settings",
    "Stream": "backpass.model.fitting.streaming.stream",
    "Tuning": "backpass.model.tuning.tuning",
    "assemble": "backpass.model.fitting.problem.preparation",
    "cross_validate": "backpass.model.assessment.cross_validation",
    "distill": "backpass.model.distillation.distill",
    "fit": "backpass.model.fitting.fit",
    "fit_groups": "backpass.model.grouped.fit",
    "fit_problem": "backpass.model.fitting.fit_problem",
    "from_bytes": "backpass.model.loading",
    "load": "backpass.model.loading",
    "make_problem": "backpass.model.fitting.problem.preparation",
    "tune": "backpass.model.tuning.tuning",
}

__all__ = [
    "CrossValidation",
    "GroupedModel",
    "Model",
    "Predictions",
    "Problem",
    "Record",
    "Rows",
    "Settings",
    "Stream",
    "Tuning",
    "assemble",
    "cross_validate",
    "distill",
    "fit",
    "fit_groups",
    "fit_problem",
    "from_bytes",
    "load",
    "make_problem",
    "tune",
]

__getattr__ = imported_on_first_use(__name__, _HOMES)
