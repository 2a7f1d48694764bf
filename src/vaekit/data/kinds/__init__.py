"""Kinds of data: how their shapes are read and changed."""
