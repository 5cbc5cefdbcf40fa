"""Transfer: a fit that keeps the learned features of an earlier model and trains only a new output layer on them.

Reading order: ``feature_source`` is the earlier model, ``kept_features`` its features as numbers, and ``output_layer``
the problem of the new layer.
"""
