"""The auto-fix pipeline: fetch, scan, detect, verify, combine, report."""
