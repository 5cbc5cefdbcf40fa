"""The export: a whole model as an ONNX graph from raw columns to predictions, and the inputs of such a graph."""
