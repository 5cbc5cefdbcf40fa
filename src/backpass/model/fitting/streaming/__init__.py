"""Streaming: training on rows that arrive in several calls, for ``partial_fit``.

``stream`` trains on them; ``provisional`` refits what the first rows determine while they are too few.
"""
