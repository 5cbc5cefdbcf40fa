"""The prediction: from the rows of a table to the networks' outputs, and to predictions with intervals.

Reading order: ``forward``, ``group``, ``ensemble``, ``predictions``, ``intervals``, ``reader``, ``predictor``.
"""
