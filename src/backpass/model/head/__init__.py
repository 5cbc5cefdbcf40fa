"""The head: the meaning of a network's outputs for the target, and the scale of the target."""
