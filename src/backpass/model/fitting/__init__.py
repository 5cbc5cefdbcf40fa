"""Fitting: makes a trained model from a table and settings."""
