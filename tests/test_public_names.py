"""The public names: which there are, that each is found in its room, and that asking for none of them costs nothing."""

from __future__ import annotations

import dataclasses
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import backpass
from backpass.model import Settings

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


API = Path(__file__).parents[1] / "docs" / "reference" / "api"
DIRECTIVE = re.compile(r"^\.\. auto(\w+):: (\S+)\n((?: {3}:.*\n)*)", re.MULTILINE)
SYMBOL = re.compile(r"[A-Za-z]\d?|theta|phi|d[A-Za-z]|dJ_dg|dg_dtheta|slope")
"""Names of the notes' alphabet: an equation or a line of shapes explains them, too."""


def documented(page: str) -> Iterator[tuple[str, list[Callable[..., Any]]]]:
    """The functions and methods on a reference page: the name, with the function, and those that a method overrides."""
    for kind, path, options in DIRECTIVE.findall(page):
        value = pkgutil.resolve_name(path)
        members = re.search(r":members:(.*)", options)
        named = set(re.findall(r"\w+", members[1])) if members else set()
        if kind == "function":
            yield path, [value]
        elif kind == "class" and members:
            yield from methods(path, value, named)
        elif kind == "module" and members:
            omitted = re.findall(r"\w+", options.partition(":exclude-members:")[2])
            own = {name for name, each in vars(value).items() if getattr(each, "__module__", "") == path}
            for name in sorted((named or own) - {*omitted}):
                each = getattr(value, name)
                if inspect.isclass(each):
                    yield from methods(f"{path}.{name}", each, set())
                elif inspect.isfunction(each) and not name.startswith("_"):
                    yield f"{path}.{name}", [each]


def classes_on(page: str) -> Iterator[type]:
    for kind, path, options in DIRECTIVE.findall(page):
        value = pkgutil.resolve_name(path)
        if kind == "class":
            yield value
        elif kind == "module" and ":members:" in options:
            own = [each for name, each in vars(value).items() if inspect.isclass(each) and not name.startswith("_")]
            yield from (each for each in own if each.__module__ == path)


def methods(path: str, cls: type, named: set[str]) -> Iterator[tuple[str, list[Callable[..., Any]]]]:
    for name, function in inspect.getmembers(cls, lambda each: inspect.isfunction(each) or inspect.ismethod(each)):
        is_ours = (function.__module__ or "").startswith("backpass.") and inspect.getdoc(function)
        if is_ours and not name.startswith("_") and name in (named or {name}):
            yield f"{path}.{name}", [getattr(each, name) for each in cls.__mro__ if name in vars(each)]


def unexplained_on_page(page: str) -> dict[str, list[str]]:
    """The parameters of each function on a page that neither ``Args`` nor, as symbols, an equation explains."""
    found = {}
    for name, functions in documented(page):
        text = "\n".join(inspect.getdoc(each) or "" for each in (*functions, inspect.getmodule(functions[0])))
        symbols = {each for each in re.findall(r"[A-Za-z]+\d?(?:_[a-z]\w+)?", text) if SYMBOL.fullmatch(each)}
        if missing := set.intersection(*({*unexplained(each)} for each in functions)) - symbols:
            found[name] = sorted(missing)
    return found


@pytest.mark.parametrize("path", sorted(API.glob("*.rst")), ids=lambda path: path.stem)
def test_every_parameter_on_a_reference_page_is_explained(path: Path) -> None:
    missing = unexplained_on_page(path.read_text("utf-8"))
    assert not missing, f"Args lack {missing}"


def unlisted(cls: type) -> list[str]:
    """The fields of a dataclass that neither its ``Attributes`` nor those of its bases list."""
    listed = "\n".join((inspect.getdoc(each) or "").partition("Attributes:\n")[2] for each in cls.__mro__)
    names = re.findall(r"^ {4}(\w+)[^:]*:", listed, re.M)
    return [each.name for each in dataclasses.fields(cls) if not each.name.startswith("_") and each.name not in names]


def test_a_planted_field_is_found() -> None:
    @dataclasses.dataclass
    class Planted:
        """A point.

        Attributes:
            x: The horizontal position.
        """

        x: float
        y: float

    assert unlisted(Planted) == ["y"]


@pytest.mark.parametrize("path", sorted(API.glob("*.rst")), ids=lambda path: path.stem)
def test_every_field_on_a_reference_page_is_listed(path: Path) -> None:
    classes = [cls for cls in classes_on(path.read_text("utf-8")) if dataclasses.is_dataclass(cls)]
    missing = {cls.__name__: names for cls in classes if cls is not Settings and (names := unlisted(cls))}
    assert not missing, f"Attributes lack {missing}; the fields of Settings are on a page of their own"


def test_reference_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter without ``Args`` is found, a symbol of the equation and an overridden method are not."""
    names = {name for path in API.glob("*.rst") for name, _ in documented(path.read_text("utf-8"))}
    assert {"backpass.fit", "backpass.network.Loss.predicted", "backpass.network.losses.Huber.per_example"} <= names
    page = ".. autofunction:: backpass.network.mean_loss\n.. autoclass:: backpass.network.losses.Huber\n   :members:\n"
    assert unexplained_on_page(page) == {}
    monkeypatch.setattr(backpass.network.mean_loss, "__doc__", "J of o and y")
    assert unexplained_on_page(page) == {"backpass.network.mean_loss": ["loss", "weights"]}


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
