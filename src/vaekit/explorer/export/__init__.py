"""What leaves the explorer: a page of its own, ONNX files."""
