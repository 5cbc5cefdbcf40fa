"""Measures: quantities in units: which units convert into each other, angles, quantities in several units,
ranges with units at both ends, and uncertainties beside a number.

Reading order: units, angle, compound, interval, aside.
"""
