"""Merging: loops over the same lengths become one loop, and buffers that only it reads become variables of a round.

Takes statements and buffers of a script; returns statements and buffers that do the same, in a shorter text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field

from backpass.dataclass import dataclass
from backpass.engine.javascript.elementwise import bare

_LOOP = re.compile(r"((?:for\(let \w+=0;\w+<[^;]+;\w+\+\+\))+)(\w+)\[([^;]*)\]=([^;=][^;]*);")
"""Loops around one assignment to an element: header, buffer, index, value."""
_BUFFER = re.compile(r"\bt\d+\b")
_CONST, _END = "const ", "\0;"
"""The beginning and the end of a definition; neighbors share one ``const``."""


@dataclass(slots=True)
class _Step:
    """A statement, or loops that may take in more assignments.

    Attributes:
        header: The loops; "" for another statement.
        bodies: Assignments (buffer, index, value) of a round, in their order.
        text: The statement, if it is no loop.
        places: Buffer that an assignment writes -> the index, None if several.
    """

    header: str = ""
    bodies: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""
    places: dict[str, str | None] = field(default_factory=dict)

    def add(self, buffer: str, index: str, value: str) -> None:
        self.bodies.append((buffer, index, value))
        self.places[buffer] = index if self.places.get(buffer, index) == index else None

    def takes(self, index: str, value: str) -> bool:
        """Whether an assignment reads of the buffers that were written only the element of the same round."""
        read = f"{index} {value}"
        return all(
            place is not None and len(re.findall(rf"\b{buffer}\b", read)) == read.count(f"{buffer}[{place}]")
            for buffer, place in self.places.items()
            if re.search(rf"\b{buffer}\b", read)
        )

    def lets_past(self, buffer: str, index: str, value: str) -> bool:
        """Whether an assignment may happen before this step: neither reads what the other one writes.

        Both may write one buffer, as the parts of a concatenation do: parts never overlap.
        """
        if not self.header:
            return not {buffer, *_BUFFER.findall(f"{index} {value}")} & {*_BUFFER.findall(self.text)}
        reads = {*_BUFFER.findall(f"{index} {value}")}
        inner = {name for _, place, text in self.bodies for name in _BUFFER.findall(f"{place} {text}")}
        return not reads & self.places.keys() and buffer not in inner

    def written(self, local: set[str]) -> str:
        """The text, with these buffers as variables of a round."""
        if not self.header:
            return self.text
        texts = []
        for buffer, index, value in self.bodies:
            for name in local & self.places.keys():
                value = value.replace(f"{name}[{self.places[name]}]", name)
                index = index.replace(f"{name}[{self.places[name]}]", name)
            value = bare(value)
            texts.append(f"{_CONST}{buffer}={value}{_END}" if buffer in local else f"{buffer}[{index}]={value};")
        if len(texts) == 1 and not local & self.places.keys():
            return self.header + texts[0]
        return f"{self.header}{{{''.join(texts).replace(_END + _CONST, ',').replace(_END, ';')}}}"


def merged(statements: Sequence[str]) -> list[str]:
    """The statements, with loops merged where no round reads what another one writes.

    >>> merged(["for(let i=0;i<n;i++)t0[i]=a0[i];", "for(let i=0;i<n;i++)t1[i]=(t0[i]+1);"])
    ['for(let i=0;i<n;i++){t0[i]=a0[i];t1[i]=t0[i]+1;}']
    >>> len(merged(["for(let i=0;i<n;i++)t0[i]=a0[i];", "for(let i=0;i<n;i++)t1[i]=t0[n-i];"]))
    2
    """
    return [step.written(set()) for step in _steps(statements)]


def shortened(statements: Sequence[str], buffers: Sequence[str], kept: Sequence[str]) -> tuple[list[str], list[str]]:
    """The merged statements, and the definitions of the buffers that they still need.

    A buffer of which a round reads only what it has written itself becomes a variable of the round.

    Args:
        statements: The statements.
        buffers: The definitions of buffers, ``t0=F(n)``.
        kept: The buffers that are read afterwards.

    Example:
        >>> sum_ = ["for(let i=0;i<n;i++)t0[i]=f(a0[i]);", "for(let i=0;i<n;i++)t1[i]=(t0[i]*t0[i]);"]
        >>> shortened(sum_, ["t0=F(n)", "t1=D(n)"], ["t1"])
        (['for(let i=0;i<n;i++){const t0=f(a0[i]);t1[i]=t0*t0;}'], ['t1=D(n)'])
    """
    steps = _steps(statements)
    users: dict[str, int] = {}
    for step in steps:
        texts = [step.text, *(f"{buffer} {index} {value}" for buffer, index, value in step.bodies)]
        for name in {name for text in texts for name in _BUFFER.findall(text)}:
            users[name] = users.get(name, 0) + 1
    local = {
        name
        for step in steps
        for name, place in step.places.items()
        if users[name] == 1 and place is not None and name not in kept and _is_read_there(step, name, place)
    }
    defined = [each for each in buffers if each.partition("=")[0] not in local]
    return [step.written(local) for step in steps], defined


def _is_read_there(step: _Step, name: str, place: str) -> bool:
    """Whether a round writes a buffer once and reads only the element that it has written."""
    texts = " ".join(f"{index} {value}" for _, index, value in step.bodies)
    writes = sum(buffer == name for buffer, _, _ in step.bodies)
    return writes == 1 and len(re.findall(rf"\b{name}\b", texts)) == texts.count(f"{name}[{place}]")


def _steps(statements: Sequence[str]) -> list[_Step]:
    steps: list[_Step] = []
    for statement in statements:
        match = _LOOP.fullmatch(statement)
        if match is None:
            steps.append(_Step(text=statement))
            continue
        header, buffer, index, value = match.groups()
        step = _place_for(steps, header, buffer, index, value)
        if step is None:
            step = _Step(header)
            steps.append(step)
        step.add(buffer, index, value)
    return steps


def _place_for(steps: Sequence[_Step], header: str, buffer: str, index: str, value: str) -> _Step | None:
    """The last loop over the same lengths that an assignment can move into, past the steps behind it."""
    for step in reversed(steps):
        if step.header == header and step.takes(index, value):
            return step
        if not step.lets_past(buffer, index, value):
            return None
    return None
