"""Images as pixels and PNG, by numpy and Pillow alone."""
