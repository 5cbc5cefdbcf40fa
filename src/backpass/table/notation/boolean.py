"""Booleans: which pairs of strings are booleans, and which tokens next to them mean "missing".

``NA`` may be a value among other categories (see ``missing``); next to TRUE and FALSE, as R writes them, it is missing.
"""

from __future__ import annotations

from collections.abc import Collection

BOOLEAN = "boolean"
"""Required kind of a column of booleans, which is categorical."""
ZERO_ONE = "zero_one"
"""Required kind of a column of the numbers 0 and 1, which may hold booleans instead."""
TRUTHS = frozenset({"true", "false"})
PAIRS = (TRUTHS, frozenset({"t", "f"}), frozenset({"yes", "no"}), frozenset({"y", "n"}))
YES = frozenset({"true", "t", "yes", "y"})
NO = frozenset({"false", "f", "no", "n"})


def are_booleans(texts: Collection[str]) -> bool:
    """Whether strings are booleans, ignoring case: true or false, or both of t and f, yes and no, or y and n.

    >>> are_booleans({"TRUE"}), are_booleans({"yes", "no"}), are_booleans({"no"}), are_booleans({"T", "F", "X"})
    (True, True, False, False)
    """
    lowered = {text.lower() for text in texts}
    return bool(lowered) and (lowered <= TRUTHS or lowered in PAIRS)


def truth_in(text: str) -> bool | None:
    """Return the truth value that a word of ``PAIRS`` stands for, ignoring case; None for other strings.

    >>> truth_in("TRUE"), truth_in("no"), truth_in("1")
    (True, False, None)
    """
    lowered = text.lower()
    return lowered in YES if lowered in YES | NO else None


def are_truths(texts: Collection[str]) -> bool:
    """Whether all strings are true or false, so that the meaning of other tokens is certain."""
    return {text.lower() for text in texts} <= TRUTHS


def missing_among(texts: Collection[str]) -> frozenset[str]:
    """Return the ambiguous tokens that mean "missing" next to these strings.

    ``NA`` is missing next to any booleans; ``None`` only next to true and false, because it may answer a yes/no
    question.

    >>> sorted(missing_among({"True", "False"})), sorted(missing_among({"yes", "no"})), sorted(missing_among({"DE"}))
    (['NA', 'None'], ['NA'], [])
    """
    if not are_booleans(texts):
        return frozenset()
    return frozenset({"NA", "None"} if are_truths(texts) else {"NA"})
