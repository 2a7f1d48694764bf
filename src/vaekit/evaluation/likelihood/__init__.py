"""How likely a model finds images."""
