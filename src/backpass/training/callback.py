"""The callback: an observer of a training run.

Users subclass ``Callback``. ``loop`` calls its methods, and ``model.fitting`` those for work before and after training.
"""

from __future__ import annotations

from typing import Any

from backpass.errors import UsageError
from backpass.training.progress import EpochRecord, Progress, StepRecord, TrainingResult


class Callback:
    """Observer of a training run. Override the methods that you need; by default, none does anything."""

    def on_baseline(self, name: str, share: float) -> None:
        """Called while a baseline is fitted, before training, with the fraction of the work that is done, 0 to 1.

        Args:
            name: The baseline.
            share: The fraction of the work that is done, from 0 to 1.
        """

    def on_stage(self, name: str, share: float) -> None:
        """Called during work after training, such as a backtest, with the fraction that is done, 0 to 1.

        Args:
            name: The name of the work, as a progress bar shows it.
            share: The fraction of the work that is done, from 0 to 1.
        """

    def on_note(self, text: str) -> None:
        """Called with information about the run that requires no action.

        Args:
            text: One sentence.
        """

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        """Called before the first step.

        Args:
            total_steps: The number of steps of the run, unless it ends early.
            steps_per_epoch: The number of steps of an epoch.
        """

    def on_total(self, total_steps: int) -> None:
        """Called when a network of an ensemble has ended early, with the new total number of steps.

        Args:
            total_steps: The number of steps of the run, unless another network ends early.
        """

    def on_step(self, step: int) -> None:
        """Called periodically between steps, with the number of steps taken so far.

        Args:
            step: The number of steps.
        """

    @property
    def sees_steps(self) -> bool:
        """Whether ``on_update`` is called; by default, if the subclass overrides it."""
        return type(self).on_update is not Callback.on_update

    def on_update(self, record: StepRecord) -> None:
        """Called after every step, with J, theta and the rows of the step. It slows the run down.

        Args:
            record: The step.
        """

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        """Called after each epoch; returning True ends the run.

        Args:
            record: The epoch, with its loss and score.
            progress: The state of the run, with the epochs so far.

        Returns:
            True to end the run; otherwise it continues.
        """

    def on_warning(self, text: str) -> None:
        """Called with a problem that does not end the run, such as a checkpoint that could not be saved.

        Args:
            text: One sentence.
        """

    def on_end(self, result: TrainingResult) -> None:
        """Called after the last step, for whatever reason the run ended.

        Args:
            result: theta, the history, and why the run ended.
        """


def check_callbacks(callbacks: Any) -> None:
    """Reject anything that is not a callback before the run starts.

    Raises:
        UsageError: It is no list or tuple, or an element is no instance of ``Callback``.
    """
    is_list = isinstance(callbacks, list | tuple)
    odd = [each for each in callbacks if not isinstance(each, Callback)] if is_list else [callbacks]
    if odd:
        came = (
            f"the class {odd[0].__name__}" if isinstance(odd[0], type) else f"a value of type {type(odd[0]).__name__}"
        )
        raise UsageError(
            f"callbacks must be a list of instances of backpass.Callback; got {came}",
            hint="callbacks=[Watcher()], where the class Watcher inherits from it",
        )
