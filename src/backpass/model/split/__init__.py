"""Splits: which rows train, validate and test, and which of them must stay together.

Reading order: ``units`` finds rows that belong together, ``assignment`` deals them to parts of given sizes, ``splits``
makes the split of a table and the folds of an ensemble.
"""
