"""Processes: training divided among several, which exchange what each has computed.

Reading order: ``exchange``, ``mpi``, ``sharded``.
"""
