"""Scores: those of a model, of several together, of a cross-validation and on the leaderboard of a search."""
