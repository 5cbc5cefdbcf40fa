"""Problem: a table and its settings, made ready for training.

Reading order: ``preparation`` reads the table, ``division`` assigns its rows, ``encoded_rows`` makes arrays of them,
``building`` makes the network and ``start`` its first parameters; ``notes`` says what to know; ``problem`` holds the
result, whose rows are a ``data_split``.
"""
