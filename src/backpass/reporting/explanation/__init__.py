"""Explanation: what the columns contribute to predictions, as plain values without any plotting library."""
