"""Training: finds the parameters theta that minimize a loss (CS229 section 1).

Reading order: ``schedules``, ``optimizer``, ``step``, ``settings``, ``settings_table``, ``sampling``, ``progress``,
``callback``, ``watching``, ``loop``, ``newton``, ``function``. Several processes train together by ``processes``.
Many small networks train side by side in ``stacked``.
The package depends on networks and engines; it does not depend on tables or files.
"""

from backpass.training.callback import Callback
from backpass.training.function import FittedFunction, fit_function
from backpass.training.interrupt import StopRequest, stop_on_signals
from backpass.training.loop import TrainingRun
from backpass.training.optimizer import OPTIMIZERS, Optimizer, OptimizerOptions, optimizer_named
from backpass.training.progress import OVER, EpochRecord, Progress, StepRecord, TrainingResult
from backpass.training.sampling import SAMPLINGS
from backpass.training.schedules import SCHEDULES
from backpass.training.settings import TrainingSettings
from backpass.training.step import Objective, gradient_circuit, training_step

__all__ = [
    "OPTIMIZERS",
    "OVER",
    "SAMPLINGS",
    "SCHEDULES",
    "Callback",
    "EpochRecord",
    "FittedFunction",
    "Objective",
    "Optimizer",
    "OptimizerOptions",
    "Progress",
    "StepRecord",
    "StopRequest",
    "TrainingResult",
    "TrainingRun",
    "TrainingSettings",
    "fit_function",
    "gradient_circuit",
    "optimizer_named",
    "stop_on_signals",
    "training_step",
]
