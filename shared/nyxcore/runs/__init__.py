"""Runs and their events: start, follow, cancel, retry, end, dispatch, sweep."""
