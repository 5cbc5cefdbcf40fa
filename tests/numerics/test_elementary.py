"""The elementary functions against mpmath, and the source of what is stored, which may use no others."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mpmath
import numpy
import pytest

import backpass
from backpass.numerics.elementary import cosine_of_turns, log, log2, mean, median, total

HOUSE = Path(backpass.__file__).parent
RNG = numpy.random.default_rng(0)
RANGES = {
    "turns of a schedule": (cosine_of_turns, numpy.linspace(0.0, 4.0, 4001)),
    "turns, any": (cosine_of_turns, RNG.uniform(-1e3, 1e3, 2000)),
    "log near 1": (log, 1.0 + RNG.uniform(-1e-3, 1e-3, 2000)),
    "log of probabilities": (log, RNG.uniform(0.0, 1.0, 2000)),
    "log, any": (log, 2.0 ** RNG.uniform(-1074.0, 1024.0, 2000)),
    "log at the ends": (log, numpy.array([5e-324, 2.3e-308, 0.5**0.5, 1.0, 2.0**0.5, 1.797e308])),
    "log2 of a schedule": (log2, 1.0 + 15.0 * numpy.linspace(0.0, 1.0, 2001)),
}


def exact(function: Callable[..., Any], x: float) -> Any:
    with mpmath.workdps(40):
        wide = mpmath.mpf(x)
        if function is cosine_of_turns:
            return mpmath.cospi(2 * wide)
        return mpmath.log(wide) if function is log else mpmath.log(wide, 2)


@pytest.mark.parametrize("name", RANGES)
def test_within_two_units_in_the_last_place(name: str) -> None:
    """Of the value, and for a cosine near its zeros or a logarithm near 1 of a value near 1."""
    function, x = RANGES[name]
    for given, found in zip(x, function(x), strict=True):
        wanted = exact(function, float(given))
        assert abs(found - wanted) <= max(2.0 * float(numpy.spacing(abs(float(wanted)))), 3e-16), given


def test_exact_values() -> None:
    assert cosine_of_turns([0.0, 0.25, 0.5, 0.75, 1.0, -3.0]).tolist() == [1.0, 0.0, -1.0, 0.0, 1.0, 1.0]
    assert log([1.0]).tolist() == [0.0]
    assert cosine_of_turns(numpy.float64(0.5)) == -1.0


def test_what_is_not_finite_stays_so() -> None:
    with numpy.errstate(invalid="ignore"):
        assert numpy.isnan(log([numpy.nan])).all()
        assert numpy.isnan(cosine_of_turns([numpy.nan, numpy.inf])).all()
    assert total([1.0, numpy.inf]) == numpy.inf
    assert numpy.isnan(total([1.0, numpy.nan, 2.0]))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 1000, 4097])
def test_a_total_is_the_sum(n: int) -> None:
    whole = RNG.integers(-1000, 1000, n)
    assert total(whole) == whole.sum()
    x = RNG.normal(size=n)
    assert total(x) == pytest.approx(float(mpmath.fsum(x)), abs=1e-15 * n)
    before = x.copy()
    total(x)
    numpy.testing.assert_array_equal(x, before)


def test_the_order_of_a_total_is_defined() -> None:
    a, b, c, d, e = x = [1e16, 1.0, -1e16, 1.0, 3.0]
    assert total(x) == ((a + d) + c) + (b + e)


def test_a_weighted_mean_is_that_of_repeated_numbers() -> None:
    assert mean([1.0, 2.0, 5.0], [2.0, 1.0, 1.0]) == mean([1.0, 1.0, 2.0, 5.0]) == 2.25


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9, 10, 1001])
def test_a_median_is_that_of_equal_weights(n: int) -> None:
    x = RNG.integers(-5, 5, n) + RNG.normal(size=n).round(1)
    assert median(x) == median(x, numpy.ones(n)) == numpy.median(x)


# Stored numbers -------------------------------------------------------------------------------------------------------

ROOMS = ("network", "training", "model")
"""The rooms that make numbers of a model file. What they write as circuits is worked out by the engine."""

FOR_OTHERS = (
    "model/onnx/export.py",
    "model/head/decoding.py",
    "model/anatomy/layer_costs.py",
    "model/javascript/verification.py",
)
"""What these make is a circuit or rows for another program or for a measurement: nothing of it is stored."""

UNDEFINED = {
    *("acos", "arccos", "arcsin", "arctan", "arctan2", "asin", "atan", "cos", "cosh", "sin", "sinh", "tan", "tanh"),
    *("exp", "exp2", "expm1", "float_power", "log", "log10", "log1p", "log2", "pow", "power", "polyval", "hypot"),
    *("average", "mean", "median", "nanmean", "nansum", "percentile", "quantile", "std", "sum", "var", "reduceat"),
    *("convolve", "cov", "dot", "einsum", "inner", "interp", "matmul", "norm", "outer", "polyfit", "trace", "vdot"),
}
"""Functions of NumPy and ``math`` whose last bits depend on the machine, or are promised by nobody."""

METHODS = frozenset({"dot", "mean", "std", "sum", "trace", "var"})
"""Methods of arrays, likewise. In the room network they are those of traced values."""


def undefined_arithmetic(text: str, room: str) -> Iterator[str]:
    """Line and name of each use of such a function, of ``@``, and of a power of anything but a whole number."""
    tree = ast.parse(text)
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("math", "numpy")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            yield f"{node.lineno}: @"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not _is_whole(node.left):
            yield f"{node.lineno}: **"
        elif isinstance(node, ast.Call):
            of, _, name = ast.unparse(node.func).rpartition(".")
            is_function = of.split(".")[0] in ("np", "numpy", "math") or (not of and name in imported)
            is_method = bool(of) and of != "operations" and room != "network"
            if (is_function and name in UNDEFINED) or (is_method and name in METHODS):
                yield f"{node.lineno}: {name}"


def _is_whole(node: ast.expr) -> bool:
    """Whether this is written as a whole number, such as 2 or 2.0 or -1."""
    try:
        return float(ast.literal_eval(node)).is_integer()
    except (TypeError, ValueError):
        return False


def test_stored_numbers_rest_on_defined_arithmetic() -> None:
    faults = [
        f"{path.relative_to(HOUSE)}:{fault}"
        for room in ROOMS
        for path in sorted((HOUSE / room).rglob("*.py"))
        if path.relative_to(HOUSE).as_posix() not in FOR_OTHERS
        for fault in undefined_arithmetic(path.read_text("utf-8"), room)
    ]
    assert not faults, "\n".join(["", *faults])


def test_planted_arithmetic_is_found() -> None:
    planted = """
from math import exp, sqrt
import numpy as np
a = np.cos(x)
b = exp(1.0) + sqrt(2.0)
c = x @ y
d = x ** 0.5 + 2 ** 64 + (-1) ** k
e = x.sum() + sum([1, 2]) + operations.sum(x) + total(x)
f = np.linalg.norm(x) + np.add.reduceat(x, i) + np.add.at(x, i, y) + np.sqrt(x)
"""
    found = ["4: cos", "5: exp", "6: @", "7: **", "8: sum", "9: norm", "9: reduceat"]
    assert sorted(undefined_arithmetic(planted, "model")) == found
    assert sorted(undefined_arithmetic(planted, "network")) == [each for each in found if each != "8: sum"]
