"""Cards: the figures that any autoencoder has, with hashes of what they were measured on."""
