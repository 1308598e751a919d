"""The context that a prompt is given when it names no step."""
