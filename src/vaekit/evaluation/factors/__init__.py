"""Measures of how latent dimensions follow known factors."""
