"""Markup: tags and entities of HTML, quotation marks and other characters around a value in a cell.

Takes a string; returns what a reader of the page would see, and says what was left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.presentation.spaces import without_alignment, without_marks

_NAMES = (
    "abbr|address|a|bdi|bdo|big|br|b|caption|center|cite|code|col|dd|del|div|dl|dt|em|font|h[1-6]|hr|img|ins|i|kbd|"
    "label|li|mark|nobr|ol|pre|p|q|samp|section|small|span|strike|strong|sub|sup|s|table|tbody|td|tfoot|thead|th|time|"
    "tr|tt|ul|u|var|wbr"
)
TAG = LazyPattern(rf"<(?:/?(?:{_NAMES})(?![\w-])[^<>]*+|!--[^<>]*+)>", re.IGNORECASE)
RAISED = LazyPattern(r"<su[bp](?![\w-])[^<>]*+>\s?(?P<mark>[^<>\s]{1,4})\s?</su[bp]>", re.IGNORECASE)
ENTITY = LazyPattern(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
LONGEST = 300  # characters of a string that may hold a value
QUOTES = frozenset({'""', "“”", "„“", "«»", "»«", "‟”", "''", "‘’"})
UNSEEN = "invisible characters"
Presentation: TypeAlias = tuple[str, str, str]
"""A string, the same without its presentation, and what that is."""


def plain_text(text: str) -> str:
    """Return a string without tags and entities of HTML, quotation marks, invisible characters and odd spaces.

    A tag leaves a space, so that digits on both sides stay apart. Raised characters stay raised.

    >>> plain_text("<td class='n'>1&nbsp;234</td>"), plain_text("&lt;5"), plain_text("12<sup>a</sup>")
    ('1\\xa0234', '<5', '12[a]')
    >>> plain_text('"12.5"'), plain_text("12 m<sup>2</sup>"), plain_text("<NA>"), plain_text("1<br>2")
    ('12.5', '12 m²', '<NA>', '1 2')
    """
    if len(text) > LONGEST:
        return text
    if "&" in text and ENTITY.search(text):
        from html import unescape  # here: its table is slow to import, and seldom needed

        text = unescape(text)
    if "<" in text:
        text = TAG.sub(" ", RAISED.sub(_raised, text))
    if not text.isascii():
        text = without_alignment(without_marks(text))
    if "  " in text:
        text = re.sub(" {2,}", " ", text)
    text = text.strip(" \t\u00a0")
    return text[1:-1].strip(" \t\u00a0") if len(text) > 2 and text[0] + text[-1] in QUOTES else text


def _raised(found: re.Match[str]) -> str:
    mark = found["mark"]
    is_sign = mark.isascii() and set(mark) <= set("0123456789+-*")
    return mark.translate(SUPERSCRIPTS) if is_sign else f"[{mark}]"


def presentation_of(texts: Sequence[str], plain: Sequence[str]) -> Presentation | None:
    """Return a string with tags, entities, quotation marks or invisible characters, the same without, and their name.

    >>> presentation_of(["1", "<b>2</b>"], ["1", "2"]), presentation_of(["1  kg"], ["1 kg"])
    (('<b>2</b>', '2', 'tags or entities of HTML'), None)
    """
    unseen = None
    for text, bare in zip(texts, plain, strict=True):
        if text == bare:
            continue
        if TAG.search(text) or ENTITY.search(text):
            return text, bare, "tags or entities of HTML"
        if (stripped := text.strip()) and stripped[0] + stripped[-1] in QUOTES:
            return text, bare, "quotation marks"
        if unseen is None and without_marks(text) != text:
            unseen = text, bare, UNSEEN
    return unseen
