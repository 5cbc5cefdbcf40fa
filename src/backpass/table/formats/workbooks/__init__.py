"""Workbooks: the sheets of Excel and OpenDocument files.

``sheets`` writes a sheet as CSV, with the number formats that ``cell_formats`` reads; ``archive`` limits what is
unpacked.
"""
