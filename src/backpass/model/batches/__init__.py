"""Batches: predictions for tables of any length, window by window, in constant memory."""
