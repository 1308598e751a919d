"""Personas, whose prompts shape what a step asks a model, their experience, and teams of them."""
