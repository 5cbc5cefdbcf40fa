"""The suite's surroundings: property tests draw the same examples every time and never fail for being slow."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("backpass", deadline=None, derandomize=True, database=None)
settings.load_profile("backpass")
