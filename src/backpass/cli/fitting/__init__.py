"""Fit: the options of ``backpass fit`` as a request, the problem that is made of it, and how training ended."""
