"""The file: the bytes of model files and checkpoints, and how they are written, verified and read."""
