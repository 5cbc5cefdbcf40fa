"""The cores: affinity and quota, read from planted files of both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from backpass.engine.cores import Cores, allowed_cores, cpu_quota

V2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
OTHERS = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset"


def machine(root: Path, mounts: str, own: str, **files: str) -> Path:
    """A file system that shows these mounts, this process's groups, and files by path."""
    planted = {"proc/self/mountinfo": f"{OTHERS}\n{mounts}\n", "proc/self/cgroup": f"{own}\n", **files}
    for name, text in planted.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("affinity", "quota", "threads"),
    [(8, None, 8), (8, 2.0, 2), (8, 1.5, 2), (8, 0.01, 1), (2, 6.0, 2), (1, None, 1), (3, 3.0, 3)],
)
def test_both_limits_hold_and_part_of_a_core_is_worth_a_thread(affinity: int, quota: float, threads: int) -> None:
    assert Cores(affinity, quota).threads == threads


@pytest.mark.parametrize(
    ("limit", "quota"),
    [("max 100000", None), ("150000 100000", 1.5), ("50000 100000", 0.5), ("", None), ("what 1", None), ("1 0", None)],
)
def test_version_2(tmp_path: Path, limit: str, quota: float | None) -> None:
    files = {"sys/fs/cgroup/job/cpu.max": f"{limit}\n"}
    assert cpu_quota(machine(tmp_path, V2, "0::/job", **files)) == quota


@pytest.mark.parametrize(("limit", "quota"), [("-1", None), ("250000", 2.5), ("100000", 1.0)])
def test_version_1(tmp_path: Path, limit: str, quota: float | None) -> None:
    group = "sys/fs/cgroup/cpu,cpuacct/job"
    files = {f"{group}/cpu.cfs_quota_us": f"{limit}\n", f"{group}/cpu.cfs_period_us": "100000\n"}
    assert cpu_quota(machine(tmp_path, V1, "5:cpuset:/\n4:cpu,cpuacct:/job", **files)) == quota


def test_the_groups_around_count_too(tmp_path: Path) -> None:
    folder = "sys/fs/cgroup"
    files = {
        f"{folder}/cpu.max": "max 100000",
        f"{folder}/outer/cpu.max": "200000 100000",
        f"{folder}/outer/inner/cpu.max": "max 100000",
        f"{folder}/outer/inner/job/cpu.max": "700000 100000",
        f"{folder}/other/cpu.max": "10000 100000",
    }
    assert cpu_quota(machine(tmp_path, V2, "0::/outer/inner/job", **files)) == 2.0


@pytest.mark.parametrize("own", ["/docker/1f", "/somewhere/else", "/"])
def test_a_container_sees_its_own_group_as_the_outermost(tmp_path: Path, own: str) -> None:
    """The mount shows /docker/1f, and nothing of what lies around it."""
    mount = V1.replace("0:29 / ", "0:29 /docker/1f ")
    group = "sys/fs/cgroup/cpu,cpuacct"
    files = {f"{group}/cpu.cfs_quota_us": "300000", f"{group}/cpu.cfs_period_us": "100000"}
    assert cpu_quota(machine(tmp_path, mount, f"4:cpu,cpuacct:{own}", **files)) == 3.0


def test_both_versions_at_once(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/unified/cpu.max": "400000 100000",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
    }
    mounts = f"{V1}\n{V2.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified')}"
    assert cpu_quota(machine(tmp_path, mounts, "4:cpu,cpuacct:/\n0::/", **files)) == 2.5


def test_a_system_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "nothing") is None
    assert cpu_quota(machine(tmp_path, "mountinfo of another kind", "cgroup of another kind")) is None


def test_this_machine_gives_at_least_one_thread() -> None:
    cores = allowed_cores()
    assert 1 <= cores.threads <= cores.affinity


@pytest.mark.parametrize(("value", "threads"), [("3", 3), (" 2,1", 2), ("", None), ("0", None), ("many", None)])
def test_omp_num_threads_limits_the_threads(value: str, threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert allowed_cores().most == threads
    assert Cores(8, None, 3).threads == 3
    assert Cores(2, None, 3).threads == 2
