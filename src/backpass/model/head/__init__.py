"""The head: what the outputs of a network mean for the target, and the scale of the target."""
