"""Number notations: units, currencies, thousands separators, signs, magnitudes, ranges, comparisons.

Takes the distinct strings of a column that are not all plain numbers; finds the reading that they share. Nothing here
runs for a column of plain numbers.

Reading order: numeral, vocabulary, cell, reading, agreement, notations, words, sentinel.
"""
