"""Training: finds the parameters theta that minimize a loss (CS229 section 1).

Reading order: ``schedules``, ``optimizer``, ``step``, ``settings``, ``settings_table``, ``sampling``, ``progress``,
``callback``, ``watching``, ``loop``, ``newton``, ``function``. Several processes train together by ``processes``.
Many small networks train side by side in ``stacked``.
The package depends on networks and engines; it does not depend on tables or files.
"""

from typing import TYPE_CHECKING

from backpass.first_use import imported_on_first_use

if TYPE_CHECKING:
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

_HOMES = {
    "Callback": "backpass.training.callback",
    "EpochRecord": "backpass.training.progress",
    "FittedFunction": "backpass.training.function",
    "OPTIMIZERS": "backpass.training.optimizer",
    "OVER": "backpass.training.progress",
    "Objective": "backpass.training.step",
    "Optimizer": "backpass.training.optimizer",
    "OptimizerOptions": "backpass.training.optimizer",
    "Progress": "backpass.training.progress",
    "SAMPLINGS": "backpass.training.sampling",
    "SCHEDULES": "backpass.training.schedules",
    "StepRecord": "backpass.training.progress",
    "StopRequest": "backpass.training.interrupt",
    "TrainingResult": "backpass.training.progress",
    "TrainingRun": "backpass.training.loop",
    "TrainingSettings": "backpass.training.settings",
    "fit_function": "backpass.training.function",
    "gradient_circuit": "backpass.training.step",
    "optimizer_named": "backpass.training.optimizer",
    "stop_on_signals": "backpass.training.interrupt",
    "training_step": "backpass.training.step",
}

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

__getattr__ = imported_on_first_use(__name__, _HOMES)
