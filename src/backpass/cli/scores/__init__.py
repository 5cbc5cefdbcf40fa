"""Scores: those of several models together, of a cross-validation and on the leaderboard of a search."""
