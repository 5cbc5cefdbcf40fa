"""A bench: small inputs, the commands that write files, and what must hold of their files after whatever happened."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from command import Outcome, run

from backpass.errors import BackpassError
from backpass.model.file.container import unpack

ROWS = 120
FIT = ("-t", "y", "--hidden", "16", "--epochs", "12", "--batch-size", "8", "--threads", "1", "-q")
CHECKPOINT = "r.checkpoint"


@dataclass(frozen=True, slots=True)
class Job:
    """A command line that writes ``output``, and the words in front of it that an older version of the file needs."""

    name: str
    arguments: tuple[str, ...]
    older: tuple[str, ...]
    output: str

    @property
    def files(self) -> set[str]:
        """What may lie in the folder afterwards."""
        return {self.output, CHECKPOINT} if "--checkpoint" in self.arguments else {self.output}


@dataclass(slots=True)
class Bench:
    """Inputs in ``home``, work in ``home/work``; ``old`` and ``new`` are the bytes of each job's file (this grows)."""

    home: Path
    old: dict[str, bytes] = field(default_factory=dict)
    new: dict[str, bytes] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        return self.home / "work"

    @property
    def table(self) -> str:
        return str(self.home / "t.csv")

    def jobs(self) -> list[Job]:
        """Every kind of file that a command writes."""
        fit = ("fit", self.table, *FIT, "-o", "m.backpass")
        model, other = str(self.home / "m.backpass"), str(self.home / "o.backpass")
        rows = (self.table, "-q", "-o")

        def of_model(name: str, output: str, command: str, *rest: str) -> Job:
            return Job(name, (command, model, *rest, output), (command, other, *rest, output), output)

        return [
            Job("fit, model file", fit, (*fit, "--seed", "1"), "m.backpass"),
            Job("fit, checkpoint", (*fit, "--checkpoint", CHECKPOINT), (*fit, "--seed", "1"), "m.backpass"),
            of_model("predict, CSV", "p.csv", "predict", *rows),
            of_model("predict, Parquet", "p.parquet", "predict", *rows),
            of_model("explain, CSV", "e.csv", "explain", *rows),
            of_model("export, ONNX", "m.onnx", "export", "-q"),
            of_model("report, HTML", "r.html", "report", "-q", "-o"),
        ]

    def make(self) -> None:
        """Write the inputs, and run every job twice, for the bytes of an older file and of the new one."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.work.mkdir(parents=True)
        cells = [(i, math.sin(i), "red" if i % 3 else "blue", math.cos(i / 7) + i % 5) for i in range(ROWS)]
        lines = "".join(f"{a},{b:.6f},{c},{y:.6f}\n" for a, b, c, y in cells)
        Path(self.table).write_text(f"a,b,c,y\n{lines}", "utf-8")
        for name, seed in (("m.backpass", "0"), ("o.backpass", "1")):
            self._must(("fit", self.table, *FIT, "--seed", seed, "-o", name), self.home)
        for job in self.jobs():
            self.clear()
            self._must(job.older, self.work)
            self.old[job.name] = (self.work / job.output).read_bytes()
            self.clear()
            self.seconds[job.name] = self._must(job.arguments, self.work).seconds
            self.new[job.name] = (self.work / job.output).read_bytes()
            if self.old[job.name] == self.new[job.name]:
                raise RuntimeError(f"{job.name}: the older file and the new one are the same")

    def _must(self, arguments: tuple[str, ...], folder: Path) -> Outcome:
        outcome = run(arguments, folder)
        if outcome.code:
            raise RuntimeError(f"backpass {' '.join(arguments)}: {outcome.said}")
        return outcome

    def clear(self) -> None:
        """Empty the folder of work."""
        for path in self.work.iterdir():
            path.unlink()

    def lay_old(self, job: Job) -> None:
        """Empty the folder and put the older file there."""
        self.clear()
        (self.work / job.output).write_bytes(self.old[job.name])

    def wrong(self, job: Job, outcome: Outcome) -> list[str]:
        """What does not hold after a run that was struck: a clean message, a file old or new, a good checkpoint."""
        found = [] if outcome.is_clean else [f"it said: {outcome.said[-300:]}"]
        path = self.work / job.output
        data = path.read_bytes() if path.exists() else None
        if data not in (None, self.old[job.name], self.new[job.name]):
            found.append(f"{job.output} is neither the old file nor the new one ({len(data or b'')} bytes)")
        if outcome.code == 0 and data != self.new[job.name]:
            found.append(f"exit code 0, and {job.output} is not the new one")
        if outcome.code not in (0, 5, -9):
            found.append(f"exit code {outcome.code}: {outcome.said[-300:]}")
        return [*found, *self._wrong_checkpoint()]

    def _wrong_checkpoint(self) -> list[str]:
        path = self.work / CHECKPOINT
        if not path.exists():
            return []
        try:
            unpack(path.read_bytes(), "checkpoint", CHECKPOINT)
        except BackpassError as error:
            return [str(error)]
        return []

    def wrong_next(self, job: Job) -> list[str]:
        """What does not hold of the next run, resumed where there is a checkpoint: the new file, and nothing else."""
        resumed = job.arguments
        if CHECKPOINT in job.files and (self.work / CHECKPOINT).exists():
            resumed = (*job.arguments, "--resume", CHECKPOINT)
        outcome = run(resumed, self.work)
        if outcome.code:
            return [f"the next run: exit code {outcome.code}: {outcome.said[-300:]}"]
        same = (self.work / job.output).read_bytes() == self.new[job.name]
        others = sorted({path.name for path in self.work.iterdir()} - job.files)
        found = [] if same else [f"the next run gives another {job.output}"]
        return [*found, *([f"left behind: {', '.join(others)}"] if others else [])]
