"""Buffer aliasing: terms write directly into a larger array or an output, so that no copy is needed.

A copy is inserted where this is impossible (the piece is an input, or has two destinations).
"""

from __future__ import annotations

from dataclasses import replace

from backpass.engine.plan.builder import GraphBuilder
from backpass.engine.plan.graph import Graph
from backpass.engine.plan.placement import Placement, Storage
from backpass.engine.plan.request import Request
from backpass.engine.plan.strides import packed_strides
from backpass.engine.plan.term import Term, TermKind, View

_PACKED_ONLY = (TermKind.TAKE, TermKind.SCATTER_ADD, TermKind.RANDOM_BITS)


def alias_buffers(graph: Graph, request: Request) -> Graph:
    """Store pieces of assembled terms inside them, and terms that are outputs in the buffers of the outputs.

    A state that the step does not change needs no buffer. Every other output is a whole term afterwards.
    """
    aliasing = _Aliasing(graph)
    for term in graph.terms:
        if term.kind is TermKind.ASSEMBLE:
            aliasing.place_pieces(term)
    outputs = [
        view if i < request.states and _is_unchanged(view, i) else aliasing.place_output(view, i)
        for i, view in enumerate(graph.outputs)
    ]
    placement = Placement(aliasing.within, aliasing.output)
    return replace(graph.rewritten(aliasing.changes, outputs), placement=placement)


def _is_unchanged(view: View, state: int) -> bool:
    """Whether a new state is the old one."""
    return view.term.kind is TermKind.INPUT and view.term.params["at"] == state and view.is_whole


class _Aliasing:
    """The placement so far, and the terms that it changes and adds.

    Attributes:
        within: See ``Placement``.
        output: See ``Placement``.
        changes: number -> the new term.
    """

    def __init__(self, graph: Graph) -> None:
        self.within: dict[int, tuple[int, Storage]] = {}
        self.output: dict[int, int] = {}
        self.changes: dict[int, Term] = {}
        self._builder = GraphBuilder(graph.next_number)
        self._readers: dict[int, list[tuple[int | None, View]]] = {}  # number of a term -> its readers and their views
        for term in graph.terms:
            for view in term.arguments:
                self._readers.setdefault(view.term.number, []).append((term.number, view))
        for view in graph.outputs:
            self._readers.setdefault(view.term.number, []).append((None, view))

    def place_output(self, view: View, output: int) -> View:
        """The output as a view of the term that is stored in its buffer."""
        makes = view.term.is_computed or view.term.kind is TermKind.ASSEMBLE
        if not makes or not view.is_whole or self._is_placed(view.term):
            view = self._copy(view).whole
        self.output[view.term.number] = output
        return view

    def place_pieces(self, term: Term) -> None:
        """Store the pieces of an assembled term inside it."""
        pieces: list[View] = []
        for piece, place in zip(term.arguments, term.params["places"], strict=True):
            rectangle = term.whole.sliced(place)
            storage = _storage_of(piece, rectangle) if not self._is_placed(piece.term) else None
            if storage is None or not self._is_readable(piece.term, storage, term):
                piece = self._copy(piece, term.shard).whole
                storage = _storage_of(piece, rectangle)
                assert storage is not None, "a packed copy fits anywhere"
            self.within[piece.term.number] = (term.number, storage)
            pieces.append(piece)
        self.changes[term.number] = replace(term, arguments=tuple(pieces))
        if term.params["has_background"]:
            for piece in pieces[1:]:
                made = self.changes.get(piece.term.number, piece.term)
                self.changes[made.number] = replace(made, after=(*made.after, pieces[0].term))

    def _is_placed(self, term: Term) -> bool:
        return term.number in self.within or term.number in self.output

    def _copy(self, view: View, *shard: int) -> Term:
        copy = self._builder.copy(view, *shard)
        self.changes[copy.number] = copy
        self._readers.setdefault(view.term.number, []).append((copy.number, copy.arguments[0]))
        return copy

    def _is_readable(self, term: Term, storage: Storage, user: Term) -> bool:
        """Whether every other reader of the term can express its view with this storage."""
        if storage.strides == packed_strides(term.shape):
            return True
        readers = [view for reader, view in self._readers.get(term.number, ()) if reader != user.number]
        return all(storage.walk(view) is not None for view in readers)


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
