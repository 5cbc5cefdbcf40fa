"""The file: the bytes of a model file or a checkpoint, and how they are written, verified and read."""
