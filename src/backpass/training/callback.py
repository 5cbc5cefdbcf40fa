"""The callback: an observer of a training run.

Users subclass ``Callback``. ``loop`` calls its methods, and ``model.fitting`` those for work before and after training.
"""

from __future__ import annotations

from backpass.training.progress import EpochRecord, Progress, StepRecord, TrainingResult


class Callback:
    """Observer of a training run. Every method does nothing by default."""

    def on_baseline(self, name: str, share: float) -> None:
        """Called while a baseline is fitted, before training, with the share of its work that is done."""

    def on_stage(self, name: str, share: float) -> None:
        """Called during work after training, such as a backtest, with the share of it that is done."""

    def on_note(self, text: str) -> None:
        """Called for something worth knowing about the run that is no problem."""

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        """Called before the first step."""

    def on_step(self, step: int) -> None:
        """Called from time to time between two steps, with the number of steps taken."""

    @property
    def sees_steps(self) -> bool:
        """Whether ``on_update`` is to be called; by default if it is overridden."""
        return type(self).on_update is not Callback.on_update

    def on_update(self, record: StepRecord) -> None:
        """Called after every step, with J, theta and the rows. A run with such a callback is slower."""

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        """Called after each epoch; returning True ends the run."""

    def on_warning(self, text: str) -> None:
        """Called for a problem that does not end the run, such as a checkpoint that could not be saved."""

    def on_end(self, result: TrainingResult) -> None:
        """Called after the last step, whatever ended the run."""
