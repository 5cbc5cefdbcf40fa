"""Several processes: what they train together has the bytes of one process (MPI, on this machine)."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mpi4py")

HERE = Path(__file__).parent
MPIEXEC = Path(sys.executable).parent / "mpiexec"
sys.path.append(str(HERE))
FITS: Any = import_module("fits")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What one process gives, computed once for each fit."""
    found: dict[str, Any] = {}
    folder = tmp_path_factory.mktemp("alone")
    FITS.write_streamed(folder / "table.parquet")

    def of(name: str) -> Any:
        if name in FITS.STREAMED and name not in found:
            found[name] = FITS.streamed_bytes(name, None, folder)
        elif name not in found:
            found[name] = FITS.fold_scores(None) if name == "folds" else FITS.model_bytes(name, None, folder)
        return found[name]

    return of


IN_FOUR = ("ensemble", "one network", "networks in groups")
"""The fits that four processes do, too."""


@pytest.fixture(scope="module", params=[2, 4])
def together(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """The number of processes, and the folder of what they have written."""
    folder, count = tmp_path_factory.mktemp("together"), request.param
    FITS.write_streamed(folder / "table.parquet")
    names = FITS.FITS if count == 2 else IN_FOUR
    command = [MPIEXEC, "-n", str(count), sys.executable, "-m", "mpi4py", HERE / "fits.py", folder, *names]
    subprocess.run(command, check=True, timeout=300)
    return count, folder


@pytest.mark.parametrize("name", FITS.FITS)
def test_every_process_has_the_model_of_one(name: str, together: tuple[int, Path], alone: Any) -> None:
    count, folder = together
    if count == 4 and name not in IN_FOUR:
        pytest.skip("two processes do it")
    for rank in range(count):
        assert (folder / f"{name}.{rank}.backpass").read_bytes() == alone(name), rank


@pytest.mark.parametrize("name", FITS.STREAMED)
def test_streamed_rows_are_divided_and_train_the_model_of_one_process(
    name: str, together: tuple[int, Path], alone: Any
) -> None:
    count, folder = together
    expected, all_groups = alone(name)
    is_text = name == "streamed text"
    assert all_groups == [0 if is_text else 2] * len(all_groups)  # once for the sample, once to encode
    for rank in range(count):
        assert (folder / f"{name}.{rank}.backpass").read_bytes() == expected, rank
    of_ranks = [ast.literal_eval((folder / f"{name}.groups.{rank}").read_text()) for rank in range(count)]
    if is_text:
        return
    # Each row group is read once for the sample, and once for each network.
    networks = FITS.STREAMED[name].get("ensemble_size", 1)
    assert [sum(counts) for counts in zip(*of_ranks, strict=True)] == [1 + networks] * len(all_groups)
    if networks == 1:
        own = len(all_groups) // count
        assert of_ranks[0] == [2] * own + [0] * (len(all_groups) - own)


def test_sums_are_added_in_a_tree(together: tuple[int, Path]) -> None:
    count, folder = together
    expected = []
    for length in (1, 2, 3, 5, 17, 1000):
        sums = [FITS.vector_of(rank, length) for rank in range(count)]
        while len(sums) > 1:
            sums = [left + right for left, right in zip(sums[::2], sums[1::2], strict=True)]
        expected.append(sums[0].tolist())
    assert {(folder / f"sums.{rank}").read_text() for rank in range(count)} == {repr(expected)}


def test_folds_have_the_scores_of_one_process(together: tuple[int, Path], alone: Any) -> None:
    count, folder = together
    assert {(folder / f"folds.{rank}").read_text() for rank in range(count)} == {alone("folds")}


def test_process_0_alone_sees_the_runs_of_all(together: tuple[int, Path]) -> None:
    count, folder = together
    step, _, total = (folder / "seen.0").read_text().partition(" of ")
    assert 0 < int(total) - 1 <= int(step) <= int(total)  # called before each step, and perhaps after the last
    assert {(folder / f"seen.{rank}").read_text() for rank in range(1, count)} == {"0 of 0"}
