"""Kills: ``fit --checkpoint`` killed at random instants with SIGKILL, resumed, killed again, and at last let end."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from bench import CHECKPOINT, Bench
from command import run

CHAIN = 4  # kills before a run is let end
KILLED = -9


@dataclass(slots=True)
class Kills:
    """What was seen (this grows)."""

    kills: int = 0
    runs: int = 0
    leftovers: int = 0
    checkpoints: int = 0
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The counts, for a table."""
        seen = (
            f"{self.runs} runs ended after them, all with the bytes of a run never killed; a checkpoint lay there "
            f"after {self.checkpoints} kills, a temporary file after {self.leftovers}, none after the next run"
        )
        return [f"| kills at random instants | {self.kills} kills | {seen} | {len(self.wrong)} |"]


def kill_at_random(bench: Bench, count: int, seed: int) -> Kills:
    """Kill ``count`` times: after each kill files are whole, after each chain the bytes are those of a whole run."""
    draw, found = random.Random(seed), Kills()
    job = next(job for job in bench.jobs() if CHECKPOINT in job.files)
    while found.kills < count:
        bench.lay_old(job)
        for _ in range(CHAIN):
            goes_on = (bench.work / CHECKPOINT).exists()
            arguments = (*job.arguments, "--resume", CHECKPOINT) if goes_on else job.arguments
            outcome = run(arguments, bench.work, kill_after=draw.uniform(0.0, 1.1 * bench.seconds[job.name]))
            found.wrong += [f"kill {found.kills + 1}: {text}" for text in bench.wrong(job, outcome)]
            if outcome.code != KILLED:
                break
            found.kills += 1
            found.checkpoints += (bench.work / CHECKPOINT).exists()
            found.leftovers += len({path.name for path in bench.work.iterdir()} - job.files)
        found.wrong += [f"after kill {found.kills}: {text}" for text in bench.wrong_next(job)]
        found.runs += 1
    return found
