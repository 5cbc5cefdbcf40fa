"""The vector functions, compiled by the compiler of this machine for each instruction set that it has."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

Floats = NDArray[numpy.float32]

SOURCE = Path(__file__).with_name("functions.cpp")
HEADERS = Path(__file__).parents[4] / "src" / "backpass" / "engine" / "native"  # a wheel has no headers
FLAGS = ["-std=c++20", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared"]
STRICT = ["-Wall", "-Wextra", "-Werror"]
INSTRUCTION_SETS = {
    "x86_64": {
        "portable": [],
        "avx2": ["-mavx2", "-mfma"],
        "avx512": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma", "-mprefer-vector-width=512"],
    },
    "aarch64": {"portable": ["-DBACKPASS_PORTABLE_LANES"], "neon": []},
}


@dataclass(frozen=True, slots=True)
class Build:
    """The functions under one instruction set."""

    name: str
    library: Any

    def __call__(self, function: str, x: Floats, y: Floats | None = None, w: Floats | None = None, *,
                 flush: bool = False) -> Floats:  # fmt: skip
        """z[i] = function(x[i], y[i], w[i]), float32 (n,); missing arguments are x."""
        arguments = [numpy.ascontiguousarray(x if a is None else a, dtype=numpy.float32) for a in (x, y, w)]
        z = numpy.full(len(x), 7, dtype=numpy.float32)
        run = getattr(self.library, f"run_{function}")
        run(*map(_address, (*arguments, z)), ctypes.c_int64(len(x)), int(flush))
        return z

    def rows(self, function: str, x: Floats) -> Floats:
        """One number per row of x, float32 (n, 32)."""
        z = numpy.empty(len(x), dtype=numpy.float32)
        getattr(self.library, f"rows_{function}")(_address(x), _address(z), ctypes.c_int64(len(x)))
        return z

    def philox(self, key: tuple[int, int], step: int, purpose: int, first: int, count: int) -> NDArray[numpy.uint32]:
        """uint32 (count + 1,): the last word belongs to the caller and must stay 7."""
        words = numpy.full(count + 1, 7, dtype=numpy.uint32)
        numbers = (*map(ctypes.c_uint32, (*key, step, purpose)), ctypes.c_uint64(first), ctypes.c_uint64(count))
        self.library.run_philox(*numbers, _address(words))
        return words


def _address(array: NDArray[Any]) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def _compiler() -> str | None:
    return next(filter(None, map(shutil.which, filter(None, (os.environ.get("CXX"), "g++", "clang++")))), None)


def _finished(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate()
    if process.returncode != 0:
        pytest.fail(f"{' '.join(map(str, process.args))}\n{output}")  # type: ignore[arg-type]  # args is a list here


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Build, ...]:
    """One build per instruction set of this machine; the portable one is the first."""
    compiler = _compiler()
    kinds = INSTRUCTION_SETS.get({"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine()))
    if compiler is None:
        pytest.skip("the vector functions need a C++ compiler: g++ or clang++ was not found")
    if kinds is None or platform.system() == "Windows":
        pytest.skip(f"no build of the vector functions is described for {platform.system()} {platform.machine()}")
    folder = tmp_path_factory.mktemp("functions")
    processes = []
    for name, flags in kinds.items():
        command = [compiler, *FLAGS, *STRICT, *flags, f"-I{HEADERS}", str(SOURCE), "-o", str(folder / f"{name}.so")]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    for process in processes:
        _finished(process)
    portable = ctypes.CDLL(str(folder / "portable.so"))
    found = []
    for name in kinds:
        supported: Callable[[], int] | None = getattr(portable, f"has_{name}", None)
        if supported is None or supported():
            found.append(Build(name, ctypes.CDLL(str(folder / f"{name}.so"))))
    return tuple(found)


@pytest.fixture(scope="session")
def points() -> int:
    """How many random points each function is tried on: more if BACKPASS_SLOW_TESTS is set."""
    return 4_000_000 if os.environ.get("BACKPASS_SLOW_TESTS") else 100_000
