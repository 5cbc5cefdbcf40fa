"""Large tables: a fit whose training rows are read from files in pieces and kept, encoded, on disk.

Reading order: ``source`` says what is read, ``parquet`` and ``text`` read it, ``sample`` draws the rows that decide and
score, ``packed`` and ``stored`` hold all others, and ``streamed`` makes the problem. ``choice`` streams what does not
fit in memory.
"""
