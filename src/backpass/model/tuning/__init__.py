"""Tuning: the search for the settings that suit a table best."""
