"""Booleans: which pairs of strings are booleans, and which tokens next to them mean "missing".

``NA`` may be a value among other categories (see ``missing``); next to TRUE and FALSE, as R writes them, it is missing.
"""

from __future__ import annotations

from collections.abc import Collection

BOOLEAN = "boolean"
"""Required kind of a column of booleans, which is categorical."""
TRUTHS = frozenset({"true", "false"})
PAIRS = (TRUTHS, frozenset({"t", "f"}), frozenset({"yes", "no"}), frozenset({"y", "n"}))


def are_booleans(texts: Collection[str]) -> bool:
    """Whether strings are booleans, ignoring case: true or false, or both of t and f, yes and no, or y and n.

    >>> are_booleans({"TRUE"}), are_booleans({"yes", "no"}), are_booleans({"no"}), are_booleans({"T", "F", "X"})
    (True, True, False, False)
    """
    lowered = {text.lower() for text in texts}
    return bool(lowered) and (lowered <= TRUTHS or lowered in PAIRS)


def are_truths(texts: Collection[str]) -> bool:
    """Whether all strings are true or false, so that the meaning of other tokens is certain."""
    return {text.lower() for text in texts} <= TRUTHS


def missing_beside(texts: Collection[str]) -> frozenset[str]:
    """Return the ambiguous tokens that mean "missing" next to these strings.

    ``NA`` is missing next to any booleans; ``None`` only next to true and false, because it may answer a yes/no
    question.

    >>> sorted(missing_beside({"True", "False"})), sorted(missing_beside({"yes", "no"})), sorted(missing_beside({"DE"}))
    (['NA', 'None'], ['NA'], [])
    """
    if not are_booleans(texts):
        return frozenset()
    return frozenset({"NA", "None"} if are_truths(texts) else {"NA"})
