"""The baselines: simple models on the same features that a network is compared with."""
