"""Native engine: circuits planned in Python and run by a small compiled core (``_core``, built from the C++ code here).

Whole epochs run without Python and without memory allocation. float32 results are bit-identical for any number of
threads and any instruction set. Importing ``native_engine`` fails if the core was not built; this module imports
nothing, so that checking for the core is cheap.
"""
