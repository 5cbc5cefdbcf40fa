"""Measures: quantities in units: which units convert into each other, angles, and quantities in several units.

Reading order: units, angle, compound.
"""
