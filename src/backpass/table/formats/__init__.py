"""Formats: the files and databases that hold tables, one module or room for each reader, and one list of all of them.

``registry`` lists the formats with their names, suffixes, first bytes, extras and readers; messages and documentation
are made from that list. A reader takes an opened file and returns raw columns (``Content``), as ``json_rows`` and
``parquet`` do; ``workbooks.sheets`` and ``fixed_width`` write CSV instead, which ``delimited`` reads.
"""
