"""Measuring models: likelihood, the latent space's health, and the quality of samples. Never trains one."""
