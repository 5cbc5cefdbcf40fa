"""Runs: the networks of a fit, trained one after another, at the same time in threads, or in several processes.

Reading order: ``ensemble`` lists the networks, ``runs`` trains them, and ``checkpoint`` saves how far each has come.
"""
