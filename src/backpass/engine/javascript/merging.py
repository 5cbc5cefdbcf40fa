"""Merging: neighboring loops over the same lengths become one loop, so that the text is shorter.

Takes statements of a script; returns statements that do the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_LOOP = re.compile(r"((?:for\(let \w+=0;\w+<[^;]+;\w+\+\+\))+)(\w+)\[([^;]*)\](\+?=)([^;]*);")
"""Loops around one assignment to an element: header, buffer, index, operator, value."""


@dataclass(slots=True)
class _Loop:
    """Loops that may take in more assignments.

    Attributes:
        header: The loops.
        bodies: The assignments.
        places: Buffer that an assignment writes -> the index, None if several.
    """

    header: str
    bodies: list[str] = field(default_factory=list)
    places: dict[str, str | None] = field(default_factory=dict)

    def text(self) -> str:
        body = "".join(self.bodies)
        return self.header + (body if len(self.bodies) == 1 else f"{{{body}}}")

    def takes(self, index: str, value: str) -> bool:
        """Whether an assignment reads of the buffers that were written only the element of the same round."""
        for buffer, place in self.places.items():
            for read in re.finditer(rf"\b{buffer}\[", f"{index} {value}"):
                rest = f"{index} {value}"[read.end() :]
                if place is None or not rest.startswith(f"{place}]"):
                    return False
            if re.search(rf"\b{buffer}\b(?!\[)", f"{index} {value}"):
                return False
        return True


def merged(statements: Sequence[str]) -> Iterator[str]:
    """The statements, with neighboring loops merged where no round reads what another one writes.

    >>> list(merged(["for(let i=0;i<n;i++)t0[i]=a0[i];", "for(let i=0;i<n;i++)t1[i]=(t0[i]+1);"]))
    ['for(let i=0;i<n;i++){t0[i]=a0[i];t1[i]=(t0[i]+1);}']
    >>> len(list(merged(["for(let i=0;i<n;i++)t0[i]=a0[i];", "for(let i=0;i<n;i++)t1[i]=t0[n-i];"])))
    2
    """
    loop: _Loop | None = None
    for statement in statements:
        match = _LOOP.fullmatch(statement)
        if match is None:
            if loop is not None:
                yield loop.text()
            loop = None
            yield statement
            continue
        header, buffer, index, operator, value = match.groups()
        if loop is None or loop.header != header or operator != "=" or not loop.takes(index, value):
            if loop is not None:
                yield loop.text()
            loop = _Loop(header)
        loop.bodies.append(f"{buffer}[{index}]{operator}{value};")
        loop.places[buffer] = index if loop.places.get(buffer, index) == index else None
    if loop is not None:
        yield loop.text()
