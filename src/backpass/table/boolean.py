"""Boolean: which texts are the two values of a boolean, and which tokens beside them can only mean that there is none.

``NA`` may be a value among texts (see ``missing``). Beside TRUE and FALSE, as R writes them, it is none.
"""

from __future__ import annotations

from collections.abc import Collection

BOOLEAN = "boolean"
"""What is demanded of a column of booleans, which is one of texts."""
TRUTHS = frozenset({"true", "false"})
PAIRS = (TRUTHS, frozenset({"t", "f"}), frozenset({"yes", "no"}), frozenset({"y", "n"}))


def are_booleans(texts: Collection[str]) -> bool:
    """Whether texts are booleans: true or false, or both of t and f, yes and no, y and n, in small or capital letters.

    >>> are_booleans({"TRUE"}), are_booleans({"yes", "no"}), are_booleans({"no"}), are_booleans({"T", "F", "X"})
    (True, True, False, False)
    """
    lowered = {text.lower() for text in texts}
    return bool(lowered) and (lowered <= TRUTHS or lowered in PAIRS)


def are_truths(texts: Collection[str]) -> bool:
    """Whether all texts are true or false: there is no doubt, then, about what stands beside them."""
    return {text.lower() for text in texts} <= TRUTHS


def missing_beside(texts: Collection[str]) -> frozenset[str]:
    """The tokens, of those that may be values, that are missing ones beside these texts.

    ``NA`` beside booleans of any sort; ``None`` beside true and false only, for it may answer a question of yes or no.

    >>> sorted(missing_beside({"True", "False"})), sorted(missing_beside({"yes", "no"})), sorted(missing_beside({"DE"}))
    (['NA', 'None'], ['NA'], [])
    """
    if not are_booleans(texts):
        return frozenset()
    return frozenset({"NA", "None"} if are_truths(texts) else {"NA"})
