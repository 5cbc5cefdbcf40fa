"""JAX: an optional engine that compiles circuits with XLA, for GPUs and TPUs.

Reading order: ``device``, ``forms``, ``random``, ``translation``, ``epoch``, ``table``, ``lanes``, ``jax_engine``.
"""
