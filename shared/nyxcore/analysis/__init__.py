"""Finds and fixes without a model, and proves the fixes; pure, no database, no network."""
