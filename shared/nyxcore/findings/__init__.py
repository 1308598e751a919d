"""Findings and the fixes for them."""
