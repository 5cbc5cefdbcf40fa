"""The evaluation: a model on rows with known targets, compared with baselines, and warnings about it."""
