"""Images as pixels, PNG and sheets of many, by numpy and Pillow alone; colours of classes."""
