"""Lessons: which items of the notes each lesson of the documentation runs.

The pages are in ``docs/lessons`` of the repository and are also tests and notebooks. This table lists them, so that an
item leads to its lesson.
"""

from __future__ import annotations

from backpass.dataclass import dataclass
from backpass.notes.items import ITEMS


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson.

    Attributes:
        number: Its number, from 1.
        name: The name of its page, without the ending.
        title: Its title.
        items: The keys of the items that it runs.
    """

    number: int
    name: str
    title: str
    items: tuple[str, ...]


def _equations(section: int, first: int, last: int) -> tuple[str, ...]:
    """The keys (s.i) of first to last, as they stand in the notes."""
    return tuple(f"{section}.{i}" for i in range(first, last + 1))


_CLAIMS = ("Claim 3.2", "Claim 3.3", "Claim 3.4")

LESSONS = (
    Lesson(1, "1-a-kink", "A kink", ("footnote 1", "1.1", "1.2", "2.1", "Figure 1", "2.2")),
    Lesson(2, "2-wired-and-dense", "Wired and dense", ("Figure 2", "2.3", "footnote 3", "2.4", "Figure 3")),
    Lesson(3, "3-loops-and-matrices", "Loops, matrices, engine", _equations(2, 5, 11)),
    Lesson(4, "4-many-layers", "Many layers, and the collapse", _equations(2, 12, 20)),
    Lesson(
        5,
        "5-backpropagation",
        "Backpropagation",
        (*_equations(3, 1, 19), *_CLAIMS, "Algorithm 3", "Algorithm 4", "Theorem 3.1", "footnote 4", "footnote 6"),
    ),
    Lesson(6, "6-rows-and-columns", "Rows and columns", (*_equations(4, 1, 4), "footnote 5", "footnote 7")),
    Lesson(
        7,
        "7-descent",
        "GD, SGD and mini-batches",
        ("1.1", "1.2", "1.3", "1.4", "1.5", "Algorithm 1", "Algorithm 2", "footnote 2"),
    ),
    Lesson(8, "8-learned-features", "Learned features", ("2.21",)),
    Lesson(9, "9-the-default-recipe", "From here to the default recipe", ("Algorithm 2", "2.12")),
)
"""Every lesson, in order."""


def lessons_of(key: str) -> tuple[Lesson, ...]:
    """The lessons that run an item.

    Args:
        key: The number of an equation, such as ``3.12``, or the name of another item of the notes.

    >>> [lesson.number for lesson in lessons_of("3.12")]
    [5]
    """
    return tuple(lesson for lesson in LESSONS if key in lesson.items)


def without_lesson() -> list[str]:
    """The keys of items that no lesson runs.

    >>> without_lesson()
    []
    """
    return [key for key in ITEMS if not lessons_of(key)]
