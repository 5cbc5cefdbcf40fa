"""Surroundings: hash seed, locale, time zone, folder, clock, memory layout and floating-point mode change no bit."""

from __future__ import annotations

import ast
import ctypes
import hashlib
import mmap
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.engine import ENGINES

ROWS = 60
FIT: dict[str, Any] = {"hidden": (8,), "epochs": 2, "batch_size": 16}


def columns() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    size, income = rng.normal(3.0, 1.0, ROWS), rng.lognormal(0.0, 1.0, ROWS)
    return {"size": size, "income": income, "price": 2 * size - income}


# Processes ------------------------------------------------------------------------------------------------------------

PROGRAM = """
import locale, sys
locale.setlocale(locale.LC_ALL, "")
from backpass.cli import main
table = sys.argv[1]
assert main(["fit", table, "-t", "price", "--hidden", "8", "--epochs", "2", "-o", "m.backpass", "-q"]) == 0
assert main(["predict", "m.backpass", table, "--keep", "sold", "-o", "p.csv", "-q"]) == 0
print(f"{1234567.5:n}")
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbers with fractions, texts beyond ASCII, and stamps around a change of the clocks."""
    path = tmp_path_factory.mktemp("table") / "t.csv"
    stamps = [f"2024-03-31T0{i % 4}:30:00" for i in range(ROWS)]
    rows = [
        f"{i / 8},{('ä', 'z', 'Z', 'i')[i % 4]},{stamp},{stamp}Z,{(i * 37 % 11) / 4}" for i, stamp in enumerate(stamps)
    ]
    path.write_text("\n".join(["size,town,sold,seen,price", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A locale whose decimal sign is the comma, made where the system has none."""
    if shutil.which("localedef") is None:
        pytest.skip("localedef is not there to make a locale with")
    folder = tmp_path_factory.mktemp("locales")
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")], capture_output=True, check=False
    )
    if not (folder / "de_DE.UTF-8").exists():
        pytest.skip(f"the source of the locale is not there: {made.stderr.decode()}")
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8"}


def made(table: Path, folder: Path, **changes: str) -> tuple[str, str, str]:
    """Digests of the model and of the predictions that a process makes, and how it writes a number."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, os.path.relpath(table, folder)],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "0", **changes},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    model, predictions = (hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("m.backpass", "p.csv"))
    return model, predictions, done.stdout.strip()


@pytest.fixture(scope="module")
def plainly(table: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    return made(table, tmp_path_factory.mktemp("plainly") / "here")


@pytest.mark.parametrize(
    "changes",
    [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "random"}, {"TZ": "Asia/Kathmandu"}, {"TZ": "Europe/Berlin"}],
    ids=str,
)
def test_hash_seed_and_time_zone_change_no_byte(
    table: Path, plainly: tuple[str, str, str], tmp_path: Path, changes: dict[str, str]
) -> None:
    assert made(table, tmp_path / "another folder", **changes)[:2] == plainly[:2]


def test_a_decimal_comma_of_the_locale_changes_no_byte(
    table: Path, plainly: tuple[str, str, str], tmp_path: Path, german: dict[str, str]
) -> None:
    *digests, number = made(table, tmp_path / "hier", **german)
    assert number == "1.234.567,5" or "," in number, "the locale was in force"
    assert tuple(digests) == plainly[:2]


# The clock ------------------------------------------------------------------------------------------------------------

WALL_CLOCK = {"time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime", "clock_gettime"}
TODAY = {"now", "utcnow", "today"}
SOURCE = Path(backpass.__file__).parent


def wall_clock_in(text: str) -> list[str]:
    """Where a module asks what time of day it is: a clock that may be set while training runs."""
    found = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr=name) if name in WALL_CLOCK:
                found.append(name)
            case ast.Attribute(attr=name) if name in TODAY:
                found.append(name)
            case ast.ImportFrom(module="time", names=names):
                found += [alias.name for alias in names if alias.name in WALL_CLOCK]
    return found


def test_no_module_asks_for_the_time_of_day() -> None:
    """Limits, checkpoints and estimates are reckoned on the monotonic clock, which nobody can set."""
    modules = sorted(SOURCE.rglob("*.py"))
    assert len(modules) > 100
    assert {path.name: found for path in modules if (found := wall_clock_in(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    "line",
    ["import time\ntime.time()", "from time import time", "import datetime\ndatetime.datetime.now()", "date.today()"],
)
def test_a_planted_clock_is_found(line: str) -> None:
    assert wall_clock_in(line)
    assert not wall_clock_in("import time\ntime.monotonic()")


# Memory ---------------------------------------------------------------------------------------------------------------


def unaligned(values: Any) -> Any:
    return np.frombuffer(b"\0" + values.tobytes(), np.uint8)[1:].view(values.dtype)


def strided(values: Any) -> Any:
    return np.stack([values, values], axis=1)[:, 0]


def reversed_twice(values: Any) -> Any:
    return values[::-1].copy()[::-1]


def swapped(values: Any) -> Any:
    return values.astype(values.dtype.newbyteorder(">" if sys.byteorder == "little" else "<"))


def read_only(values: Any) -> Any:
    copy = values.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "unaligned": unaligned,
    "strided": strided,
    "backwards": reversed_twice,
    "other byte order": swapped,
    "read only": read_only,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_where_numbers_lie_changes_no_bit(layout: str) -> None:
    data = columns()
    laid = {name: LAYOUTS[layout](values) for name, values in data.items()}
    assert not all(array.flags.c_contiguous and array.flags.aligned and array.flags.writeable and
                   array.dtype.isnative for array in laid.values())  # fmt: skip
    model = backpass.fit(data, "price", **FIT)
    assert backpass.fit(laid, "price", **FIT).to_bytes() == model.to_bytes()
    assert model.predict(laid).tobytes() == model.predict(data).tobytes()


def test_the_order_of_a_matrix_changes_no_bit() -> None:
    from backpass.estimators import BackpassRegressor

    data = columns()
    X, y = np.column_stack([data["size"], data["income"]]), data["price"]
    wide = np.zeros((2 * ROWS, 4))
    wide[::2, ::2] = X
    expected = BackpassRegressor(preset="plain", hidden_layer_sizes=(8,), epochs=2).fit(X, y)
    for other in (np.asfortranarray(X), wide[::2, ::2], unaligned(X.ravel()).reshape(X.shape)):
        fitted = BackpassRegressor(preset="plain", hidden_layer_sizes=(8,), epochs=2).fit(other, y)
        assert fitted.model_.theta.tobytes() == expected.model_.theta.tobytes()
        assert fitted.predict(other).tobytes() == expected.predict(X).tobytes()


# The floating-point mode ----------------------------------------------------------------------------------------------

FLUSH = 0x8040
"""Flush-to-zero and denormals-are-zero, the bits that libraries built with -ffast-math leave set in MXCSR."""
STATUS = 0x003F
"""Flags that arithmetic itself sets."""


class ControlRegister:
    """MXCSR of this thread, by two instructions of machine code: ldmxcsr [rdi]; ret and stmxcsr [rdi]; ret."""

    def __init__(self) -> None:
        self.page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.page.write(bytes.fromhex("0fae17c30fae1fc3"))
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.page))
        function = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint32))
        self.load, self.store = function(start), function(start + 4)

    @property
    def value(self) -> int:
        found = ctypes.c_uint32()
        self.store(ctypes.byref(found))
        return found.value

    @value.setter
    def value(self, bits: int) -> None:
        self.load(ctypes.byref(ctypes.c_uint32(bits)))


@pytest.fixture
def flushing() -> Iterator[ControlRegister]:
    """The mode that another library left behind."""
    if platform.machine() != "x86_64" or os.name != "posix":
        pytest.skip("the register is that of x86-64, and its functions are called as POSIX systems do")
    try:
        register = ControlRegister()
    except OSError:
        pytest.skip("this system gives no memory that may be run")
    before = register.value
    register.value = before | FLUSH
    yield register
    register.value = before


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_mode_that_another_library_left_changes_no_bit(engine: str, threads: int, flushing: ControlRegister) -> None:
    stop = {**FIT, "engine": engine, "threads": threads}
    mode = flushing.value & ~STATUS
    flushed = backpass.fit(columns(), "price", **stop)
    found = flushed.predict(columns())
    assert flushing.value & ~STATUS == mode, "what was set before is set after"
    flushing.value = mode & ~FLUSH
    assert np.float64(1e-310) / 4 > 0, "the mode is off"
    plain = backpass.fit(columns(), "price", **stop)
    assert flushing.value & ~STATUS == mode & ~FLUSH, "nothing is left behind"
    assert plain.to_bytes() == flushed.to_bytes()
    assert plain.predict(columns()).tobytes() == found.tobytes()
