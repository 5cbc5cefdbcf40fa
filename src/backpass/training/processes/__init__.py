"""Processes: training divided among several processes, which exchange what they have computed.

Reading order: ``exchange``, ``mpi``, ``sharded``.
"""
