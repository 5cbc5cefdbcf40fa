"""The native engine: circuits planned in Python, run by a small compiled core (``_core``, built from the C++ here).

Whole epochs run without Python and without allocation. For float32 the result is the same to the last bit for any
number of threads and any instruction set. ``native_engine`` cannot be imported where the core was not built; nothing is
imported here, so that asking whether it was costs nothing.
"""
