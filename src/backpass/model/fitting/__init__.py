"""Fitting: makes a trained model from a table and settings.

Reading order: ``fit`` reads the settings, ``problem`` prepares the table, whose rows ``model.split`` assigns, ``runs``
trains the networks, and ``outcome`` scores them on held-out rows and makes the model.
"""
