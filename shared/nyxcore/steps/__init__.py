"""The steps of a workflow's run: begun when they may, recorded, decided, told."""
