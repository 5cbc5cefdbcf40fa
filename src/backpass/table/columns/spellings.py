"""Spellings: categories that differ only in spaces or a period, which are merged, or in case, which are named.

``very  good``, ``very good`` and one with a no-break space look alike and mean the same. Texts that no other one
resembles stay as they are. ``yes`` and ``YES`` may be two codes, so they stay apart unless the caller merges them.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import compress
from operator import itemgetter

from backpass.dataclass import dataclass
from backpass.table.files.database import identifier
from backpass.table.messages import counted, listed, shown
from backpass.table.notation.boolean import truth_in
from backpass.table.presentation.markup import plain_text
from backpass.table.presentation.spaces import JOINING, OTHER_SPACES, with_single_spaces

_CYRILLIC = str.maketrans("\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425", "ABEKMHOPCTYX")
_GREEK = str.maketrans(
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7", "ABEZHIKMNOPTYX"
)
_SMALL = str.maketrans("\u0430\u0435\u043e\u0440\u0441\u0443\u0445", "aeopcyx")
_SIGNS = {
    "-": "\u2010\u2011\u2012\u2013\u2014\u2212",
    "'": "\u2018\u2019\u201b\u02bc\u00b4`",
    '"': "\u201c\u201d\u201e",
}
SIMILAR = _CYRILLIC | _GREEK | _SMALL | {ord(other): ord(sign) for sign, others in _SIGNS.items() for other in others}
"""Dashes, quotes, and letters of Cyrillic and Greek that look like others: the characters that they look like."""
UNSEEN = (*OTHER_SPACES, *JOINING)
UNSEEN_IN_ASCII = tuple(filter(str.isascii, UNSEEN))
_FIRST, _LAST = itemgetter(slice(1)), itemgetter(slice(-1, None))
DOUBLE = re.compile("  ")  # found in half the time of ``in``
STOPPED = re.compile(r"(?<=\w)\.(?=\x00|$)")
STOP = re.compile(r"(?<=\w)\.$")
BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
LONGEST_BOOLEAN = max(map(len, BOOLEANS))
BITS = {"0": False, "1": True}
KEEP_SPACES = "--keep-spaces keeps them apart"
MERGE_CASE = "if they mean the same: --merge-case"


@dataclass(frozen=True, slots=True)
class Spelling:
    """Which differences between the strings of a column to ignore.

    Attributes:
        spaces: Spaces around the text, doubled and no-break ones, and a period at its end.
        case: Upper and lower case.
    """

    spaces: bool = True
    case: bool = False

    def key(self, text: str) -> str:
        """Return what equal texts have in common.

        >>> Spelling(case=True).key("Yes "), Spelling(spaces=False, case=True).key("Yes ")
        ('yes', 'yes ')
        """
        plain = tidy(text) if self.spaces else text
        return plain.casefold() if self.case else plain


def tidy(text: str) -> str:
    """Return the text with single plain spaces between words, none around it and no period; booleans in lower case.

    Accents are parts of their letters, as Unicode's form NFC has them.

    >>> tidy("Zu\\u0308rich") == "Z\\u00fcrich"
    True
    >>> tidy("very\\u00a0 good "), tidy("no\\u200b"), tidy("TRUE "), tidy("etc."), tidy("...")
    ('very good', 'no', 'true', 'etc', '...')
    """
    plain = STOP.sub("", with_single_spaces(text))
    plain = plain if plain.isascii() else unicodedata.normalize("NFC", plain)
    return BOOLEANS.get(plain, plain)


def merged(rows: Mapping[str, int], spelling: Spelling) -> dict[str, str]:
    """Return the common form of each text that differs from another one only in its spelling.

    Args:
        rows: Number of rows of each text; the commonest case of a text is kept.
        spelling: Which differences to ignore.

    >>> merged({"very good": 1, "very  good": 1, "so  so": 1}, Spelling())
    {'very good': 'very good', 'very  good': 'very good'}
    >>> merged({"YES": 2, "yes": 3, "Yes.": 1}, Spelling(case=True))
    {'YES': 'yes', 'yes': 'yes', 'Yes.': 'yes'}
    """
    if not spelling.case and not _is_untidy(rows):
        return {}
    groups: dict[str, list[str]] = {}
    for text in rows:
        groups.setdefault(spelling.key(text), []).append(text)
    several = (same for key, same in groups.items() if key and len(same) > 1)
    return {text: form for same in several for form in [_form(same, rows, spelling)] for text in same}


def _is_untidy(texts: Collection[str]) -> bool:
    """Whether one of the texts may have another form than its own: all at once, for speed."""
    joined, last = "\x00".join(texts), {*map(_LAST, texts)}
    has_outer = " " in last or " " in map(_FIRST, texts)
    is_ascii = joined.isascii()
    unseen = UNSEEN_IN_ASCII if is_ascii else UNSEEN
    has_inner = DOUBLE.search(joined) is not None or any(each in joined for each in unseen)
    has_accents = not is_ascii and not unicodedata.is_normalized("NFC", joined)
    return has_outer or has_inner or has_accents or ("." in last and STOPPED.search(joined) is not None)


def _form(same: Sequence[str], rows: Mapping[str, int], spelling: Spelling) -> str:
    """Return the form of equal texts: the commonest, the first in order of several."""
    forms = Counter[str]()
    for text in same:
        forms[tidy(text) if spelling.spaces else text] += rows[text]
    return min(forms, key=lambda form: (-forms[form], form))


def with_one_spelling(
    name: str, texts: Sequence[str], counts: Sequence[int], notes: list[str], spelling: Spelling
) -> list[str]:
    """Return the texts of a column with one spelling for those that differ only in that, with a note.

    Args:
        name: Column name.
        texts: The texts.
        counts: Number of rows of each; texts of no row are left alone.
        notes: Collects the note.
        spelling: Which differences to ignore.
    """
    if not spelling.case and not _is_untidy([*compress(texts, counts)]):
        return [*texts]
    held = [(text, count) for text, count in zip(texts, counts, strict=True) if count]
    rows = Counter[str]()
    for text, count in held:
        rows[text] += count
    same = merged(rows, spelling)
    notes += [merging_note(name, same, rows)] if same else []
    return [same.get(text, text) for text in texts]


def merging_note(name: str, same: Mapping[str, str], rows: Mapping[str, int]) -> str:
    """Return the note on merged texts, with the rows of each.

    >>> print(merging_note("out", {"so so": "so so", "so  so": "so so"}, {"so so": 9, "so  so": 1}))
    column 'out': 'so  so' (1 row) counts as 'so so': they differ only in spaces; --keep-spaces keeps them apart
    """
    pairs = [(text, form) for text, form in same.items() if text != form]
    merges = [f"{shown(text)} ({counted(rows[text], 'row')}) counts as {shown(form)}" for text, form in pairs]
    plain = {text: with_single_spaces(text) for text in same}
    found = {
        "upper and lower case": any(tidy(text) != form for text, form in pairs),
        "spaces": any(text != plain[text] for text, _ in pairs),
        "how accents are stored": any(not unicodedata.is_normalized("NFC", text) for text, _ in pairs),
        "a period": any(STOP.search(plain[text]) for text, _ in pairs),
    }
    kinds = [what for what, is_found in found.items() if is_found]
    differences = " or ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    keep = f"; {KEEP_SPACES}" if kinds != ["upper and lower case"] else ""
    return f"column {shown(name)}: {listed(merges)}: they differ only in {differences}{keep}"


def alike(texts: Iterable[str]) -> list[list[str]]:
    """Return groups of texts that differ only in upper and lower case, spaces or periods at the end.

    >>> alike(["yes", "YES", "no", "etc", "etc.."])
    [['yes', 'YES'], ['etc', 'etc..']]
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(tidy(text).casefold().rstrip(". "), []).append(text)
    return [same for form, same in groups.items() if form and len(same) > 1]


def _composed(text: str) -> str:
    from html import unescape  # here: its table is slow to import, and seldom needed

    return unicodedata.normalize("NFKC", plain_text(unescape(text)))


def look_alikes(texts: Iterable[str]) -> list[list[str]]:
    """Return groups of texts that differ only in characters that look alike, or in tags and entities of HTML.

    >>> look_alikes(["pre-tax", "pre\\u2013tax", "A", "\\u0410", "R&amp;D", "R&D", "<b>red</b>", "red"])
    [['pre-tax', 'pre–tax'], ['A', 'А'], ['R&amp;D', 'R&D'], ['<b>red</b>', 'red']]
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        plain = text if text.isascii() and "&" not in text and "<" not in text else _composed(text)
        groups.setdefault(plain.translate(SIMILAR).casefold(), []).append(text)
    return [same for same in groups.values() if len(same) > 1]


def truths(texts: Iterable[str]) -> list[list[str]]:
    """Return the texts that mean true and those that mean false, if a column mixes several ways to write them.

    >>> truths(["yes", "no", "1", "0"]), truths(["yes", "no"]), truths(["1", "2", "yes"])
    ([['no', '0'], ['yes', '1']], [], [])
    """
    groups: dict[bool, list[str]] = {False: [], True: []}
    for text in texts:
        truth = BITS[text] if text in BITS else truth_in(text)
        if truth is None:
            return []
        groups[truth].append(text)
    folded = [{text.casefold() for text in same} for same in groups.values()]
    return [same for same in groups.values() if same] if any(len(each) > 1 for each in folded) else []


def likeness(name: str, texts: Iterable[str]) -> str:
    """Return a message on strings of a column that may be spellings of one category; an empty string without any."""
    texts = [*texts]
    if mixed := truths(texts):
        true = [text for text in mixed[-1] if truth_in(text) or text == "1"]
        column, values = identifier(name), ", ".join("'" + text.replace("'", "''") + "'" for text in true)
        join = shlex.quote(f"SELECT * REPLACE ({column} IN ({values}) AS {column}) FROM data")
        return f"strings that may be several spellings of true and false: {_groups(mixed)}; if so: --query {join}"
    groups = alike(texts)
    if not groups and (similar := look_alikes(texts)):
        what = f"strings that look alike but are written with other characters: {_groups(similar)}"
        return f"{what}; if they mean the same, spell them the same way"
    if not groups:
        return ""
    column = identifier(name)
    is_case = all(len({tidy(text).casefold() for text in same}) == 1 for same in groups)
    join = shlex.quote(f"SELECT * REPLACE (rtrim(lower({column}), '. ') AS {column}) FROM data")
    hint = MERGE_CASE if is_case else f"if they mean the same: --query {join}"
    return f"strings that differ only in case, spaces or a period at the end: {_groups(groups)}; {hint}"


def _groups(groups: Sequence[Sequence[str]]) -> str:
    return listed([", ".join(map(shown, same)) for same in groups])
