"""Diagnosis: properties of a table that deserve a look before training: leaks, dependent rows, odd values."""
