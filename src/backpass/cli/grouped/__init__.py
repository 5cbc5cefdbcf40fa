"""Grouped models: fitting by group (``fit --by``), and ``evaluate`` and ``show`` with the resulting file."""
