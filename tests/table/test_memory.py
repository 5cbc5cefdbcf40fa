"""Memory: what the system says is there, and refusals with both figures before anything is taken."""

import ctypes
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backpass import fit
from backpass.errors import InsufficientMemoryError, ResourceError, UsageError
from backpass.idiom import in_python
from backpass.table import memory, read_table
from backpass.table.memory import available_bytes, limited_memory, memory_size, require_memory

Write = Callable[..., Path]


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


MEMINFO = {"proc/meminfo": "MemTotal: 900 kB\nMemAvailable: 800 kB\n"}
VERSION_2 = {
    "sys/fs/cgroup/memory.max": "500000\n",
    "sys/fs/cgroup/memory.current": "400000\n",
    "sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 20000\nactive_file 30000\n",
}
VERSION_1 = {
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "300000\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "310000\n",
}
MACHINES: dict[str, tuple[dict[str, str], int | None]] = {
    "unknown": ({}, None),
    "machine": (MEMINFO, 800 * 1024),
    "unlimited": ({**MEMINFO, **VERSION_2, "sys/fs/cgroup/memory.max": "max\n"}, 800 * 1024),
    "version 2": ({**MEMINFO, **VERSION_2}, 150_000),
    "version 1, used up": ({**MEMINFO, **VERSION_1}, 0),
}


@pytest.mark.parametrize(("files", "expected"), MACHINES.values(), ids=MACHINES.keys())
def test_the_least_of_all_limits(tmp_path: Path, files: dict[str, str], expected: int | None) -> None:
    assert available_bytes(machine(tmp_path, files)) == expected


def test_the_limit_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = resource.getpagesize()
    root = machine(tmp_path, {**MEMINFO, "proc/self/statm": "10 5 1 1 0 5 0\n"})
    monkeypatch.setattr(resource, "getrlimit", lambda which: (30 * page, -1))
    assert available_bytes(root) == 20 * page


def test_this_machine_says_something() -> None:
    assert (available_bytes() or 1) > 0
    require_memory(1, "nothing", "")


@pytest.mark.parametrize(
    ("amount", "size"),
    [("4GB", 4 * 10**9), ("500 mb", 5 * 10**8), ("1.5GiB", 3 * 2**29), ("2g", 2 * 10**9), (4_096, 4_096), ("7", 7)],
)
def test_amounts_of_memory(amount: str | int, size: int) -> None:
    assert memory_size(amount) == size


@pytest.mark.parametrize("amount", ["", "many", "4 XB", "-1GB", "GB", "0", 0, -5, True, 1.5, "1e3", "nan"])
def test_what_is_no_amount_of_memory(amount: Any) -> None:
    with pytest.raises(UsageError, match="must be an amount of memory such as 4GB or 500MB; got "):
        memory_size(amount)


def test_a_limit_is_lower_than_that_of_the_machine_and_ends_with_its_block() -> None:
    with limited_memory(40_000_000):
        require_memory(1_000, "a list", "")
        with pytest.raises(InsufficientMemoryError) as caught:
            require_memory(50_000_000, "a table", "use less")
        assert caught.value.message.startswith("a table needs about 50 MB of memory, ")
        assert caught.value.message.endswith(" are left of the 40 MB that --memory allows")
        held = np.ones(50_000_000)  # 400 MB: nothing is left, also if the process returned some memory in the meantime
        with pytest.raises(InsufficientMemoryError, match=r", [0-9]+ [kM]B are left of the 40 MB that memory allows"):
            require_memory(10_000_000, "a table", "")
        del held
        with limited_memory(None):
            require_memory(50_000_000, "a table", "")
    require_memory(50_000_000, "a table", "")


def test_the_machine_is_named_if_it_has_less_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 10_000_000)
    with limited_memory(10**9), pytest.raises(InsufficientMemoryError, match="10 MB are available"):
        require_memory(50_000_000, "a table", "")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_(count: int) -> None:
        monkeypatch.setattr(memory, "available_bytes", lambda: count)

    return set_


def refused(path: Any, **options: Any) -> str:
    with pytest.raises(ResourceError) as caught:
        read_table(path, **options)
    return str(caught.value)


def test_files_are_refused_before_they_are_read(
    write: Write, small: Callable[[int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(1_000_000)
    path = write("a,b\n" + "1,2\n" * 100_000)
    monkeypatch.setattr(
        "backpass.table.delimited.delimited._scanned", lambda *args, **options: pytest.fail("it was read")
    )
    less = f"{path} (about 100,001 rows x 2 columns) needs about 2 MB of memory, 1 MB are available"
    assert refused(path) == f"{less}\n\nhint: {in_python(memory.LESS)}"
    lines = write('{"a": 1}\n' * 200_000, "t.jsonl")
    assert f"{lines} (1,800,000 bytes of JSON) needs about 5 MB of memory" in refused(lines)
    pq.write_table(pa.table({"a": [0] * 1_000_000, "b": [1] * 1_000_000}), tmp_path / "t.parquet")
    assert "t.parquet (1,000,000 rows x 2 columns) needs about 32 MB of memory" in refused(tmp_path / "t.parquet")
    assert "(1,000,000 rows x 1 column) needs about 16 MB" in refused(tmp_path / "t.parquet", drop=["b"])


def test_what_fits_is_read(write: Write, small: Callable[[int], None]) -> None:
    small(3_000_000)
    assert read_table(write("a,b\n" + "1,2\n" * 10_000)).rows == 10_000


def test_networks_are_refused_before_they_are_made(small: Callable[[int], None]) -> None:
    data = {"x": list(range(40)), "y": [i % 3 for i in range(40)]}
    small(1_000_000)
    assert fit(data, "y", hidden=(8,), epochs=1).record.steps
    with pytest.raises(ResourceError) as caught:
        fit(data, "y", hidden=(1_000_000,), epochs=1)
    message = "a network of 1 inputs and 3,000,001 parameters, on 40 rows, needs about 60 MB of memory, 1 MB"
    assert caught.value.message.startswith(message)


def test_a_million_columns_under_a_real_limit(write: Write) -> None:
    """1 GB of address space, and a table whose columns alone take as much: told at once, with exit code 5."""
    path = write(",".join(f"c{j}" for j in range(1_000_000)) + "\n" + "1," * 999_999 + "1\n")
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30));"
        "from backpass.cli import main; sys.exit(main(['inspect', sys.argv[1]]))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (5, "")
    assert "(about 1 row x 1,000,000 columns) needs about 1.0 GB of memory, " in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the C library keeps what is freed on Linux")
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library has no malloc_trim")
def test_memory_that_was_freed_is_returned_to_the_system() -> None:
    blocks = [bytes([i % 251]) * 60_000 for i in range(2_000)]
    last = bytes([7]) * 60_000  # above the others in the heap, which therefore does not shrink by itself
    del blocks
    before = memory.resident_bytes()
    memory.return_freed()
    assert before - memory.resident_bytes() > 80_000_000
    assert last[0] == 7
