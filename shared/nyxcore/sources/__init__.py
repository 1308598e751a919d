"""Repositories as files: folders, archives, packs and their manifest."""
