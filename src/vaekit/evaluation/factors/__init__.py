"""How latent dimensions follow known factors."""
