"""Grouped models: what ``fit --by`` writes, and what ``evaluate`` and ``show`` say of its file."""
