"""Large tables: a fit whose training rows are read from a Parquet file and kept, encoded, on disk.

Reading order: ``source`` reads the file in pieces, ``sample`` draws the rows that decide and score, ``stored`` holds
all others, and ``streamed`` makes the problem.
"""
