"""Parallel runs: the networks of a fit trained at the same time, in threads and in several processes."""
