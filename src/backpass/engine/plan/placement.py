"""Placement: where the values of a graph are stored, as far as aliasing decides it, and the memory of one term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from backpass.dataclass import dataclass
from backpass.engine.plan.strides import Lengths, packed_strides
from backpass.engine.plan.term import View


@dataclass(frozen=True, slots=True)
class Storage:
    """The memory of a term.

    Attributes:
        buffer: The buffer.
        offset: The offset of the first element, in elements.
        strides: The strides of the term's axes, in elements.
    """

    buffer: int
    offset: int
    strides: Lengths

    def walk(self, view: View) -> tuple[int, Lengths] | None:
        """Offset and strides of a view of the term in its buffer; None if strides cannot express the view.

        A view is defined on the packed term. If the term is stored packed, the strides of the view are valid as they
        are. If not, the start of the view is decomposed into an index per axis of the term, and every stride of the
        view must be a multiple of the packed stride of one axis that it does not leave.
        """
        shape = view.term.shape
        packed = packed_strides(shape)
        if self.strides == packed:
            return self.offset + view.offset, view.strides
        start = [0] * len(shape)
        left = view.offset
        for i, step in enumerate(packed):
            start[i], left = divmod(left, step) if step else (0, left)
        room = [length - 1 - at for length, at in zip(shape, start, strict=True)]
        strides = []
        for length, stride in zip(view.shape, view.strides, strict=True):
            if length == 1 or stride == 0:
                strides.append(0)
                continue
            axis = next((i for i, step in enumerate(packed) if shape[i] > 1 and abs(stride) >= step), None)
            if axis is None or stride % packed[axis]:
                return None
            step = stride // packed[axis]
            reach = (length - 1) * step
            room[axis] -= max(reach, 0)
            if room[axis] < 0 or start[axis] + min(reach, 0) < 0:
                return None
            strides.append(step * self.strides[axis])
        return self.offset + sum(a * s for a, s in zip(start, self.strides, strict=True)), tuple(strides)


@dataclass(frozen=True, slots=True)
class Placement:
    """Terms, by number, whose memory is determined by what they are part of; all others are stored in the arena.

    Attributes:
        within: term -> the assembled term that it is a piece of, and its storage relative to that term.
        output: term -> the index of the output that it is stored in.
    """

    within: Mapping[int, tuple[int, Storage]] = field(default_factory=dict)
    output: Mapping[int, int] = field(default_factory=dict)

    def is_placed(self, number: int) -> bool:
        return number in self.within or number in self.output
