"""Tuning: the search for the best settings for a table."""
