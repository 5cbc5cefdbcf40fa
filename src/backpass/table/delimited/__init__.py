"""Delimited files: from a CSV or TSV file to raw columns.

``records`` finds the delimiter and the first record, ``headerless`` and ``orange`` read the header, ``delimited`` reads
the rows.
"""
