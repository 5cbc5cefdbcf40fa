"""The public names: which there are, that each is found in its room, and that asking for none of them costs nothing."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import backpass

NAMES = [
    "BackpassClassifier",
    "BackpassError",
    "BackpassRegressor",
    "BackpassWarning",
    "Callback",
    "GroupedModel",
    "Model",
    "Network",
    "__version__",
    "check_gradient",
    "cross_validate",
    "dense_network",
    "distill",
    "explain",
    "fit",
    "fit_function",
    "fit_groups",
    "grad",
    "load",
    "named",
    "named_gradients",
    "onnx_inputs",
    "operations",
    "permutation_importance",
    "read_table",
    "report",
    "trace",
    "tune",
    "value_and_grad",
]


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_public_names_are_these() -> None:
    assert sorted(backpass.__all__) == NAMES
    assert dir(backpass) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(backpass, name)
    assert value is getattr(backpass, name)
    assert name == "__version__" or value.__doc__


def functions_of(name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The function of a public name, or the public methods of its class that are ours."""
    value = getattr(backpass, name)
    if inspect.isfunction(value):
        yield name, value
    elif inspect.isclass(value):
        for method, function in inspect.getmembers(value, inspect.isfunction):
            if not method.startswith("_") and function.__module__.startswith("backpass."):
                yield f"{name}.{method}", function


def unexplained(function: Callable[..., Any]) -> list[str]:
    """The parameters that the ``Args`` of a function do not list."""
    listed = (inspect.getdoc(function) or "").partition("Args:\n")[2].partition("\n\n")[0]
    names = {word for entry in re.findall(r"^ {4}(\S[^:]*):", listed, re.M) for word in re.findall(r"\w+", entry)}
    return [each for each in inspect.signature(function).parameters if each not in {*names, "self", "cls"}]


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_explained(name: str) -> None:
    missing = {where: names for where, function in functions_of(name) if (names := unexplained(function))}
    assert not missing, f"Args lack {missing}"


@pytest.mark.parametrize("name", backpass.operations.__all__)
def test_every_parameter_of_an_operation_is_in_its_equation_or_explained(name: str) -> None:
    arrays = {"x", "y", "W", "b", "condition"}
    missing = unexplained(getattr(backpass.operations, name))
    assert {*missing} <= arrays, f"Args of {name} lack {sorted({*missing} - arrays)}"


def test_a_planted_parameter_is_found() -> None:
    def added(x: float, y: float, *more: float) -> float:
        """x + y

        Args:
            x: The first number.
        """
        return x + y + sum(more)

    assert unexplained(added) == ["y", "more"]


def test_a_star_import_gives_all_of_them() -> None:
    assert run("from backpass import *; print(*sorted(n for n in dir() if n == '__version__' or n[0] != '_'))") == NAMES


def test_a_name_is_the_one_of_its_room() -> None:
    from backpass.circuit import grad
    from backpass.model import fit

    assert backpass.fit is fit
    assert backpass.grad is grad


def test_importing_a_room_hides_no_function() -> None:
    """A package of the same name as a function would take its place once it is imported."""
    program = """
import importlib, pkgutil, backpass
rooms = [each.name for each in pkgutil.iter_modules(backpass.__path__) if each.name != "__main__"]
for name in rooms:
    importlib.import_module(f"backpass.{name}")
print(*set(rooms) & set(backpass.__all__))
from backpass import report
print(callable(report), callable(backpass.explain))
"""
    assert run(program) == ["True", "True"]


@pytest.mark.parametrize("name", ["fitt", "numpy", "_nothing", "__path"])
def test_other_names_are_attribute_errors(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'backpass' has no attribute '{name}'"):
        getattr(backpass, name)
    assert not hasattr(backpass, name)


def test_the_version_is_a_version() -> None:
    assert len(backpass.__version__.split(".")) == 3


def test_import_alone_loads_no_room_and_no_other_library() -> None:
    before, after = "print(*sys.modules)", "import backpass; print(*sys.modules)"
    new = set(run(f"import sys; {after}")) - set(run(f"import sys; {before}"))
    ours = {"backpass", "backpass._version", "backpass.first_use"}
    assert {name for name in new if name.startswith("backpass")} == ours
    foreign = {name.split(".")[0] for name in new} - sys.stdlib_module_names - {"backpass"}
    assert foreign <= {"numpy"}


def test_fitting_from_a_dictionary_loads_no_file_reader() -> None:
    program = """
import sys
from backpass import fit
fit({"a": list(range(12)), "t": list(range(12))}, "t", hidden=(2,), epochs=1)
print(*{name.split(".")[0] for name in sys.modules})
"""
    assert not {"duckdb", "pandas", "polars", "pyarrow", "click", "rich"} & set(run(program))
