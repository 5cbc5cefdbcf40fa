"""Anatomy: the weights of a model in the units of its columns, and the cost of its layers."""
