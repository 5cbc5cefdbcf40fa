"""Equal values: which category of a model stands for a text that is written in another way.

Programs write one value in several ways: ``true``, ``True`` and ``1`` are the same boolean, ``1`` and ``1.0`` the same
whole number; spaces may be doubled or no-break ones, and a period may end a text (see ``spellings``). A text that is
a category of the model itself is never taken for another one. ``01`` is a code, and differs from ``1``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from backpass.table.columns.spellings import Spelling, tidy
from backpass.table.messages import listed, shown
from backpass.table.notation.boolean import NO, YES, are_booleans, truth_in
from backpass.table.notation.lazy_pattern import LazyPattern

WHOLE = LazyPattern(r"(-?(?:0|[1-9][0-9]*))(?:\.0*)?")
BINARY = ("0", "1")
CASES = (str.lower, str.upper, str.capitalize, str.title)


def whole_in(text: str) -> str:
    """Return the digits of a whole number without its fraction of zeros; an empty string for any other text.

    >>> whole_in("1.0"), whole_in("-12"), whole_in("1.5"), whole_in("01")
    ('1', '-12', '', '')
    """
    found = WHOLE.fullmatch(text)
    return found[1] if found else ""


def are_zero_and_one(texts: Iterable[str]) -> bool:
    """Whether each text is 0 or 1.

    >>> are_zero_and_one(["0", "1.0"]), are_zero_and_one(["1", "2"])
    (True, False)
    """
    return all(whole_in(text) in BINARY for text in texts)


def equal_category(texts: Sequence[str], categories: Sequence[str], *, merges_case: bool = False) -> dict[str, str]:
    """Return the category of each text that is not a category itself but has the value of exactly one.

    Args:
        texts: The texts.
        categories: The categories of a model.
        merges_case: Whether texts that differ only in upper and lower case are one category.

    >>> equal_category(["1", "0", "2"], ["false", "true"])
    {'1': 'true', '0': 'false'}
    >>> equal_category(["1.0", "01"], ["1", "2"])
    {'1.0': '1'}
    >>> equal_category(["true", "2"], ["0", "1"])
    {'true': '1'}
    >>> equal_category(["very  good"], ["bad", "very good"])
    {'very  good': 'very good'}
    >>> equal_category(["YES"], ["no", "yes"], merges_case=True)
    {'YES': 'yes'}
    """
    known = set(categories)
    others = [text for text in texts if text not in known]
    if not others:
        return {}
    found = _by_key(others, {text: tidy(text) for text in (*others, *categories)}, categories)
    if merges_case:
        folded = {text: Spelling(case=True).key(text) for text in (*others, *categories)}
        found = _by_key(others, folded, categories) | found
    found |= _by_key(others, {text: whole_in(tidy(text)) for text in (*others, *categories)}, categories)
    if are_booleans(categories) or are_zero_and_one(categories):
        found |= _by_key(others, {text: _truth(text) for text in (*others, *categories)}, categories)
    return found


def other_spellings(categories: Sequence[str], *, merges_case: bool = False) -> dict[str, str]:
    """Return the category of the usual other spellings: of booleans, whole numbers and, where it is merged, of case.

    For exports that look texts up one by one.

    >>> other_spellings(["1", "2"]), other_spellings(["no", "yes"])["TRUE"]
    ({'1.0': '1', '2.0': '2'}, 'yes')
    """
    texts = (text for category in categories for text in _spellings(category, merges_case=merges_case))
    return equal_category([*dict.fromkeys(texts)], categories, merges_case=merges_case)


def _spellings(category: str, *, merges_case: bool) -> Iterator[str]:
    """Yield texts that may have the value of a category."""
    plain, whole = tidy(category), whole_in(tidy(category))
    yield plain
    if whole:
        yield from (whole, f"{whole}.0")
    if _truth(category):
        yield from (f"{bit}{fraction}" for bit in BINARY for fraction in ("", ".0"))
        yield from (case(word) for word in sorted(YES | NO) for case in CASES)
    if merges_case:
        yield from (case(plain) for case in CASES)


def _truth(text: str) -> str:
    """Return "0" or "1" for a boolean, written as a word or a number; an empty string for any other text."""
    truth = truth_in(tidy(text))
    whole = whole_in(tidy(text))
    return str(int(truth)) if truth is not None else whole if whole in BINARY else ""


def _by_key(texts: Iterable[str], keys: Mapping[str, str], categories: Sequence[str]) -> dict[str, str]:
    """Return the category with the key of each text; keys that are empty or that two categories share don't count."""
    by_key: dict[str, list[str]] = {}
    for category in categories:
        by_key.setdefault(keys[category], []).append(category)
    held = {key: same[0] for key, same in by_key.items() if key and len(same) == 1}
    return {text: held[keys[text]] for text in texts if keys[text] in held}


def equality_note(name: str, pairs: Mapping[str, str]) -> str:
    """Return the note on texts that are taken for the categories of a model.

    >>> print(equality_note("flag", {"1": "true"}))
    column 'flag': '1' is the category 'true' of the model
    """
    matches = [f"{shown(text)} is the category {shown(same)} of the model" for text, same in pairs.items()]
    return f"column {shown(name)}: {listed(matches)}"
