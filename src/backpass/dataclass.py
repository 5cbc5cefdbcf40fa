"""Data classes: ``dataclasses.dataclass``, with most methods shared, because compiling them takes most of a start-up.

Takes the options of the standard decorator that the package uses, and makes classes that the functions of
``dataclasses`` (``replace``, ``fields``, ``asdict``) accept. In Python 3.11 the standard decorator compiles six methods
of a frozen class with slots, about a millisecond each class, and a command defines hundreds of them. Here only
``__init__`` is compiled. Type checkers see the standard decorator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, slots: bool, frozen: bool = False, eq: bool = True, repr: bool = True) -> Callable[[type], type]:
        """Make a class of its annotated fields.

        Args:
            slots: Whether instances have no dictionary.
            frozen: Whether assigning to a field raises ``FrozenInstanceError``.
            eq: Whether instances of the class are equal if their fields are; frozen ones then have a hash.
            repr: Whether an instance is shown with its fields.

        Returns:
            The decorator.
        """

        def made(cls: type) -> type:
            own = set(vars(cls))
            cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
            fields = dataclasses.fields(cls)
            methods: dict[str, Any] = {"__init__": _initializer(cls, fields, frozen)}
            if repr:
                methods["__repr__"] = _shown
            if eq:
                methods["__eq__"] = _equality(_values([each.name for each in fields if each.compare]))
                hashed = [each.name for each in fields if (each.compare if each.hash is None else each.hash)]
                methods["__hash__"] = _hash(_values(hashed)) if frozen else None
            if frozen:
                methods |= {"__setattr__": _not_assigned, "__delattr__": _not_deleted}
                methods |= {"__getstate__": _state, "__setstate__": _restored} if slots else {}
            for name, method in methods.items():
                if name not in own:
                    setattr(cls, name, method)
            return cls

        return made


class _Unset:
    """The default of a parameter whose value a function makes."""

    def __repr__(self) -> str:
        return "<factory>"


_UNSET = _Unset()


def _initializer(cls: type, fields: tuple[dataclasses.Field[Any], ...], frozen: bool) -> Any:
    """Compile ``__init__``, which assigns the fields in their order."""
    names: dict[str, Any] = {"_unset": _UNSET, "_assign": object.__setattr__}
    positional, by_name, lines = ["self"], list[str](), list[str]()
    for field in fields:
        name, value = field.name, field.name
        if field.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = field.default_factory
            value = f"_make_{name}()" + (f" if {name} is _unset else {name}" if field.init else "")
            parameter = f"{name}=_unset"
        elif field.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
            value = name if field.init else f"_default_{name}"
        elif field.init:
            parameter = name
        else:
            continue
        if field.init:
            (by_name if field.kw_only else positional).append(parameter)
        slot = getattr(cls, name, None)
        if frozen and isinstance(slot, MemberDescriptorType):
            names[f"_set_{name}"] = slot.__set__  # takes two thirds of the time of object.__setattr__
            lines.append(f" _set_{name}(self, {value})")
        else:
            lines.append(f" _assign(self, {name!r}, {value})" if frozen else f" self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    header = ", ".join([*positional, *(["*", *by_name] if by_name else [])])
    exec("\n".join([f"def __init__({header}):", *(lines or [" pass"])]), names)  # the names of fields
    made = names["__init__"]
    made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    made.__annotations__ = {**{each.name: each.type for each in fields if each.init}, "return": None}
    return made


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """The function of an instance that returns the values of fields."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple([getattr(self, name) for name in names])


def _equality(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


@recursive_repr()
def _shown(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__qualname__}({shown})"


def _not_assigned(self: Any, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _not_deleted(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _restored(self: Any, state: list[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
