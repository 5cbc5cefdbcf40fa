"""The scores of several models: those of a cross-validation, and the leaderboard of a search."""
