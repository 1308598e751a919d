"""Whether the parts work together, and in which versions."""
