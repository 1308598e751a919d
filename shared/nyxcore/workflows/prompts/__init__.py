"""References in prompts: their grammar, what they may name, and the text that takes their place."""
