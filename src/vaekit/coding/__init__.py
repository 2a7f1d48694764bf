"""Pictures as files smaller than those of general coders, exactly the same on any machine."""
