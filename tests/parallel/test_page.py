"""The page about several processes: its Python runs in two of them, and its scripts are valid shell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backpass import load

pytest.importorskip("mpi4py")
pyarrow = pytest.importorskip("pyarrow")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "processes.md"
MPIEXEC = str(Path(sys.executable).parent / "mpiexec")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_python_of_the_page_runs_in_two_processes(tmp_path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(
        pyarrow.table({"x": list(range(60)), "y": [i % 7 for i in range(60)]}), tmp_path / "data.parquet"
    )
    [text] = blocks("python")
    (tmp_path / "script.py").write_text(text)
    command = [MPIEXEC, "-n", "2", sys.executable, "-m", "mpi4py", "script.py"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300, capture_output=True)
    assert len(load(tmp_path / "model.backpass").record.members) == 4


@pytest.mark.parametrize("text", blocks("sh"))
def test_a_script_of_the_page_is_valid_shell(text: str) -> None:
    done = subprocess.run(["bash", "-n"], input=text, text=True, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_slurm_options_are_those_of_sbatch() -> None:
    """By the manual of sbatch; there is no Slurm to ask."""
    [script] = [text for text in blocks("sh") if "#SBATCH" in text]
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)$", script, re.MULTILINE))
    assert len(options) == script.count("#SBATCH")
    assert options.keys() <= {"job-name", "nodes", "ntasks-per-node", "cpus-per-task", "time", "signal"}
    assert re.fullmatch(r"\d\d:\d\d:\d\d", options["time"])
    assert re.fullmatch(r"USR1@\d+", options["signal"])


def test_the_job_of_kubernetes_is_yaml() -> None:
    yaml = pytest.importorskip("yaml")
    [job] = [yaml.safe_load(text) for text in blocks("yaml")]
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v2beta1", "MPIJob")
    replicas = job["spec"]["mpiReplicaSpecs"]
    for role in ("Launcher", "Worker"):
        [container] = replicas[role]["template"]["spec"]["containers"]
        assert container["image"]
    [launcher] = replicas["Launcher"]["template"]["spec"]["containers"]
    assert launcher["command"][:3] == ["mpirun", "-n", str(replicas["Worker"]["replicas"])]
