"""Numbers: scores, curves, decisions and differences between models, as plain values without any plotting library."""
