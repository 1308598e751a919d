"""The model that is none: it answers from what stands in the prompt, by extraction, and says so."""
