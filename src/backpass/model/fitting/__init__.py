"""Fitting: makes a trained model from a table and settings.

Reading order: ``fit`` reads the settings, ``problem`` prepares the table, whose rows ``model.split`` assigns,
``ensemble`` and ``runs`` train the networks, ``scoring`` runs them on held-out rows, and ``outcome`` makes the model.
"""
