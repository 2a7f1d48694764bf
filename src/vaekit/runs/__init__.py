"""Run folders: written whole, locked, read back."""
