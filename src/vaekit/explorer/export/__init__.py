"""Exports of the explorer: a page of its own, ONNX files."""
