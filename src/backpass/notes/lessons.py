"""Lessons: which items of the notes each lesson of the documentation runs.

The pages are in ``docs/lessons`` of the repository and are also tests and notebooks. This table lists them, so that an
item leads to its lesson.
"""

from __future__ import annotations

from dataclasses import dataclass


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


LESSONS = (
    Lesson(1, "1-a-kink", "A kink", ("footnote 1", "1.1", "1.2", "2.1", "Figure 1", "2.2")),
    Lesson(2, "2-wired-and-dense", "Wired and dense", ("Figure 2", "2.3", "footnote 3", "2.4", "Figure 3")),
)
"""Every lesson, in order."""


def lessons_of(key: str) -> tuple[Lesson, ...]:
    """The lessons that run an item.

    >>> [lesson.number for lesson in lessons_of("2.3")]
    [2]
    """
    return tuple(lesson for lesson in LESSONS if key in lesson.items)
