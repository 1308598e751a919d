"""Requests that may be sent twice and take effect once: keys, request hashes and kept answers."""
