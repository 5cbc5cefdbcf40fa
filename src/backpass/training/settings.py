"""Settings of a training run: how many steps it takes, on which rows, and at which learning rate.

Those of the optimizer are ``optimizer.OptimizerOptions``; ``settings_table`` lists the values of each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from backpass.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings of a training run.

    Attributes:
        learning_rate: alpha of the notes.
        schedule: The name of the learning rate schedule.
        batch_size: B, in rows.
        epochs: The number of epochs.
        max_steps: The maximum number of steps (n_iter of Algorithms 1 and 2), or None.
        sampling: The name of the sampling scheme.
        seed: The seed of all random draws.
        patience: The number of epochs without improvement after which the run stops, or None.
        max_seconds: The time limit in seconds, or None.
        schedules: The schedules of other columns of the settings table: "weight_decay" of the optimizer, "dropout" of
            the network.
        last_epoch: The epoch after which the run ends, while its schedules are those of all epochs, or None.
    """

    learning_rate: float = 1e-3
    schedule: str = "constant"
    batch_size: int = 256
    epochs: int = 100
    max_steps: int | None = None
    sampling: str = "epoch"
    seed: int = 0
    patience: int | None = None
    max_seconds: float | None = None
    schedules: Mapping[str, str] = field(default_factory=dict)
    last_epoch: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the settings table that the objective reads; they follow those of the optimizer."""
        return tuple(name for name in self.schedules if name == "dropout")
