"""ReLU sign trick: a ReLU that only products read encodes its slope in the sign of its zeros.

relu(z) is +0 where z = 0 and where z < 0, but the slope is 1 in the first case and 0 in the second. With -0 in the
second case, the backward pass can read the slope from a = relu(z), which it needs anyway, so z need not be stored. This
halves the memory of a layer. Products with -0 and +0 have the same sums, up to the sign of a zero.
"""

from __future__ import annotations

from collections.abc import Sequence

from backpass.engine.plan.graph import Term, View


def keep_signs(terms: Sequence[Term], outputs: Sequence[View]) -> None:
    """Let the slopes of a ReLU read the ReLU instead of z, where nothing else could see the sign of its zeros."""
    readers: dict[int, list[Term]] = {}
    for term in terms:
        for other in {view.term.number for view in term.arguments}:
            readers.setdefault(other, []).append(term)
    shown = {view.term.number for view in outputs}
    for a in terms:
        if a.name != "relu.float32" or a.number in shown:
            continue
        z = a.arguments[0]
        slopes = [term for term in readers[z.term.number] if term is not a]
        if (
            _is_epilogue(a)
            and z.term.number not in shown
            and slopes
            and all(_is_slope_of(slope, z) for slope in slopes)
            and all(term.kind == "product" for term in readers.get(a.number, ()))
        ):
            a.name = "relu_with_sign.float32"
            for slope in slopes:
                kept = a.whole.reshaped(slope.arguments[0].shape)
                assert kept is not None  # a packed view takes any shape
                slope.name, slope.arguments = "slope_by_sign.float32", (kept, slope.arguments[1])


def _is_epilogue(a: Term) -> bool:
    """Whether the ReLU can be the epilogue of the product that it reads."""
    z = a.arguments[0]
    return z.term.kind == "product" and not z.term.params["is_narrow"] and z.is_whole and z.size == a.size


def _is_slope_of(term: Term, z: View) -> bool:
    """Whether the term is dz where z >= 0, else 0, with z used only in the condition."""
    if term.name != "slope_of_relu.float32":
        return False
    condition, dz = term.arguments
    return condition.term is z.term and condition.is_whole and condition.size == z.size and dz.term is not z.term
