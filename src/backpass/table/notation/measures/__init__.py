"""Measures: quantities in units: which units convert into each other, angles, quantities in several units, and
ranges with units at both ends.

Reading order: units, angle, compound, interval.
"""
