"""Problem: a table and its settings, made ready for training.

Reading order: ``preparation`` reads the table, ``division`` assigns its rows, ``building`` makes the network and
``start`` its first parameters; ``problem`` holds the result, whose rows are a ``data_split``.
"""
