"""Numerics: elementary functions and random bits with identical results on every machine."""
