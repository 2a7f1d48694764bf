"""Sets that are drawn, with known factors."""
