"""`backpass.dataclass`: classes that behave like those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar

import pytest

import backpass
from backpass.dataclass import dataclass
from backpass.table.notation.reading import NumberReading

Decorator = Callable[[type], type]
OPTIONS = {
    "frozen": {"frozen": True, "slots": True},
    "with a dictionary": {"frozen": True, "slots": False},
    "assigned": {"slots": True},
    "by identity": {"frozen": True, "slots": True, "eq": False},
    "shown by object": {"frozen": True, "slots": True, "repr": False},
}


def of_many_fields(decorator: Decorator) -> Any:
    class Values:
        """Every kind of field."""

        unit: ClassVar[str] = "kg"
        a: int
        b: str = "x"
        c: list[int] = field(default_factory=list)
        d: int = field(default=3, compare=False, repr=False)
        e: int = field(default=4, hash=False)
        f: int = field(default=5, kw_only=True)
        g: int = field(init=False, default=6)
        h: int = field(init=False)
        i: dict[str, int] = field(init=False, default_factory=dict)

        def __post_init__(self) -> None:
            object.__setattr__(self, "h", self.a + 1)

    return decorator(Values)


def of_one_field(decorator: Decorator) -> Any:
    class Value:
        """One field."""

        a: int

    return decorator(Value)


def of_no_field(decorator: Decorator) -> Any:
    class Empty:
        """No field."""

    return decorator(Empty)


def derived(decorator: Decorator) -> Any:
    class Further(of_many_fields(decorator)):  # type: ignore[misc]  # made by a function
        """Fields of its own, and a default in place of one."""

        b: str = "y"
        j: int = 7

    return decorator(Further)


def with_methods(decorator: Decorator) -> Any:
    class Own:
        """Methods of its own."""

        a: int

        def __init__(self, a: int) -> None:
            object.__setattr__(self, "a", a % 7)

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and self.a > 0 and other.a > 0

        def __hash__(self) -> int:
            return 5

        def __repr__(self) -> str:
            return f"<{self.a}>"

    return decorator(Own)


CLASSES = [of_many_fields, of_one_field, of_no_field, derived, with_methods]


def outcome(work: Callable[[], Any]) -> Any:
    """The result, or the error."""
    try:
        return work()
    except Exception as error:
        return type(error), str(error)


def behavior(made: Any, options: dict[str, bool]) -> dict[str, Any]:
    """What can be observed of a class and its instances."""
    given = [each.name for each in dataclasses.fields(made) if each.init and each.default is dataclasses.MISSING]
    values = {name: 1 for name in given if name != "c"}
    one, other, third = made(**values), made(**values), made(**{**values, **({"a": 2} if "a" in values else {})})

    def assign() -> None:
        one.a = 9

    def delete() -> None:
        del one.a

    shown = options.get("repr", True) or "__repr__" in vars(made)
    return {
        "shown": repr(one) if shown else object.__repr__(one).split(" at ")[0],
        "signature": str(inspect.signature(made)),
        "name": (made.__init__.__qualname__, made.__module__, made.__doc__),
        "equal": (one == other, one == third, one == 1, one != other),
        "hash": outcome(lambda: (hash(one) == hash(other), hash(one) - hash(third) if options.get("eq", True) else 0)),
        "matched": made.__match_args__,
        "slots": vars(made).get("__slots__"),
        "dictionary": hasattr(one, "__dict__"),
        "fields": dataclasses.asdict(one),
        "replaced": outcome(lambda: dataclasses.asdict(dataclasses.replace(one, a=4))),
        "copied": dataclasses.asdict(copy.copy(one)),
        "too few": outcome(lambda: made()) if values else None,
        "assigned": outcome(assign) if values else None,
        "deleted": outcome(delete) if values else None,
    }


@pytest.mark.parametrize("body", CLASSES)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_class_behaves_like_that_of_the_standard_library(
    body: Callable[[Decorator], Any], options: dict[str, bool]
) -> None:
    ours, theirs = (behavior(body(made(**options)), options) for made in (dataclass, dataclasses.dataclass))
    assert ours == theirs


def test_an_instance_is_pickled() -> None:
    reading = NumberReading(unit="kg")
    assert pickle.loads(pickle.dumps(reading)) == reading


def test_a_value_that_holds_itself_is_shown() -> None:
    @dataclass(slots=True)
    class Node:
        """A node of a graph."""

        next: Any = None

    node = Node()
    node.next = node
    assert repr(node).endswith("Node(next=...)")


def test_the_package_makes_all_of_its_data_classes_in_this_way() -> None:
    standard = re.compile(r"from dataclasses import [^\n]*\bdataclass\b|dataclasses\.dataclass\(")
    files = Path(backpass.__file__).parent.rglob("*.py")
    assert {path.name for path in files if standard.search(path.read_text("utf-8"))} == {"dataclass.py"}
    assert standard.search("from dataclasses import dataclass, field")
