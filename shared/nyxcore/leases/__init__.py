"""Leases: a place for each open stream, so that limits hold across processes."""
