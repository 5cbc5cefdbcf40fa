"""Buffer aliasing: terms write directly into a larger array or an output, so that no copy is needed.

A copy is inserted where this is impossible (the piece is an input, or has two destinations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backpass.engine.plan.graph import WHOLE, Graph, Term, View
from backpass.engine.plan.peephole import needed
from backpass.engine.plan.strides import Lengths, packed_strides

_PACKED_ONLY = ("take", "scatter_add", "random_bits")


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


@dataclass(slots=True)
class Placement:
    """Terms with predetermined memory; all others are stored in the arena.

    Attributes:
        within: term -> the assembled term that it is a piece of, and its storage relative to that term.
        output: term -> the index of the output that it is stored in.
    """

    within: dict[int, tuple[Term, Storage]] = field(default_factory=dict)
    output: dict[int, int] = field(default_factory=dict)

    def is_placed(self, term: Term) -> bool:
        return term.number in self.within or term.number in self.output


def place(graph: Graph, outputs: Sequence[View], wanted: Sequence[bool]) -> tuple[list[View], Placement]:
    """Alias pieces of assembled terms and outputs.

    Args:
        graph: The graph; copies are added to it.
        outputs: The outputs.
        wanted: Whether an output needs a buffer.

    Returns:
        The outputs, each that is wanted as a view of the term that is stored in its buffer; and the placement.
    """
    placement = Placement()
    for term in needed(outputs):
        if term.kind == "assemble":
            _place_pieces(graph, term, outputs, placement)
    placed = list(outputs)
    for i, view in enumerate(outputs):
        if not wanted[i]:
            continue
        makes = view.term.is_computed or view.term.kind == "assemble"
        if not (makes and view.is_whole and not placement.is_placed(view.term)):
            view = _copy(graph, view)
        placement.output[view.term.number] = i
        placed[i] = view
    return placed, placement


def _copy(graph: Graph, view: View, part: int = WHOLE) -> View:
    squeezed = view.squeezed()
    dtype = view.term.dtype
    return graph.append("map", f"copy.{dtype.name}", (squeezed,), squeezed.shape, dtype, {}, part).whole


def _place_pieces(graph: Graph, term: Term, outputs: Sequence[View], placement: Placement) -> None:
    pieces: list[View] = []
    for piece, place in zip(term.arguments, term.params["places"], strict=True):
        rectangle = term.whole.sliced(place)
        storage = _storage_of(piece, rectangle) if not placement.is_placed(piece.term) else None
        if storage is None or not _suits(graph, piece.term, storage, term, outputs):
            piece = _copy(graph, piece, term.part)
            storage = _storage_of(piece, rectangle)
            assert storage is not None
        placement.within[piece.term.number] = (term, storage)
        pieces.append(piece)
    term.arguments = tuple(pieces)
    if term.params["has_background"]:
        for piece in pieces[1:]:
            piece.term.after.append(pieces[0].term)


def _storage_of(piece: View, rectangle: View) -> Storage | None:
    """The storage of the piece's term inside its rectangle, or None if the term cannot be stored there."""
    term = piece.term
    if not term.is_computed:
        return None
    if not rectangle.size:  # nothing is stored, so any place will do
        return Storage(-1, 0, packed_strides(term.shape)) if piece.is_whole else None
    laid = rectangle.squeezed().reshaped(term.shape) if piece.is_whole else _turned(piece, rectangle)
    if laid is None or (term.kind in _PACKED_ONLY and not laid.is_packed):
        return None
    return Storage(-1, laid.offset, laid.strides)


def _turned(piece: View, rectangle: View) -> View | None:
    """The rectangle with the axes of the piece's term, if the piece is the whole term with permuted axes; else None."""
    shape = piece.term.shape
    own = list(zip(shape, packed_strides(shape), strict=True))
    taken = dict(zip(zip(piece.shape, piece.strides, strict=True), rectangle.strides, strict=True))
    is_all = sorted(axis for axis in taken if axis[0] > 1) == sorted(axis for axis in own if axis[0] > 1)
    if not is_all or piece.offset or piece.size != piece.term.size:
        return None
    return View(rectangle.term, rectangle.offset, shape, tuple(taken.get(axis, 0) for axis in own))


def _suits(graph: Graph, term: Term, storage: Storage, user: Term, outputs: Sequence[View]) -> bool:
    """Whether every reader of the term can express its view with this storage."""
    if storage.strides == packed_strides(term.shape):
        return True
    readers = [view for other in graph.terms if other is not user for view in other.arguments if view.term is term]
    readers += [view for view in outputs if view.term is term]
    return all(storage.walk(view) is not None for view in readers)
