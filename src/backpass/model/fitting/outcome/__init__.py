"""Outcome: what follows from trained networks, from scores on held-out rows to the model.

Reading order: ``scoring`` runs the networks on held-out rows, ``neighbors`` adds networks, ``calibration`` gives
probabilities a ``temperature``, ``intervals`` measures errors, ``diagnostics`` warns, ``outcome`` makes the model, and
``refit`` trains it again on all rows.
"""
