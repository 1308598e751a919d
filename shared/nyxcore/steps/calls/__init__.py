"""The calls of models that a step is made of: prepared, and recorded."""
