"""Projects and the repositories in them."""
