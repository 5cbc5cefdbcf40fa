"""Notations: how numbers, booleans and missing values are written.

``number`` reads plain numbers, ``decimals`` finds the decimal sign of a file, ``boolean`` the pairs that are booleans,
and ``missing`` lists the strings that mean no value. The other modules read units, currencies, thousands separators,
signs, magnitudes, ranges, comparisons and uncertainties: they take the distinct strings of a column that are not all
plain numbers, and find the reading that they share. They do not run for a column of plain numbers.

Reading order: missing, number, boolean, numeral, vocabulary, comparison, lazy_pattern, cell, measures, reading,
agreement, notations, words, sentinel.
"""
