"""A fit that ends early: run by mpiexec as ``ends.py HOW WHAT FOLDER``; process 0 ends it in the second epoch it sees.

WHAT is LONG or SHARDED, the settings in ``fits``.

"signal" sends it SIGTERM, "kill" SIGKILL, and "error" raises an exception.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import backpass.model.fitting.fit_problem as fitting
from backpass.errors import InterruptedTraining
from backpass.model.fitting.fit import fit
from backpass.training import Callback, EpochRecord, Progress

sys.path.append(str(Path(__file__).parent))
import fits

fitting.SECONDS = 0.0  # a checkpoint after every epoch


class Ends(Callback):
    """Ends the run."""

    def __init__(self, how: str) -> None:
        self.how, self.epochs = how, 0

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        self.epochs += 1
        if self.epochs == 2:
            if self.how == "error":
                raise ValueError("planted in process 0")
            os.kill(os.getpid(), signal.SIGTERM if self.how == "signal" else signal.SIGKILL)
        return None


def main(how: str, what: str, folder: Path) -> None:
    from mpi4py import MPI

    comm, checkpoint, settings = MPI.COMM_WORLD, folder / "run.checkpoint", getattr(fits, what)
    try:
        fit(fits.rows(), "y", comm=comm, callbacks=[Ends(how)], checkpoint=checkpoint, **settings)
    except InterruptedTraining as stopped:
        (folder / f"stopped.{comm.rank}").write_text(str(stopped))
        model = fit(fits.rows(), "y", comm=comm, resume_from=checkpoint, **settings)
        model.save(folder / f"resumed.{comm.rank}.backpass")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
