"""Workflows that users define: what one may say, and what its prompts become. All values in, values out."""
