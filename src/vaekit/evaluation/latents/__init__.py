"""Measures of a latent space."""
