"""Features in which sets of images are compared."""
