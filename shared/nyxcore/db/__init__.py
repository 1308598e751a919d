"""Connections, transactions that belong to a tenant, migrations and the drift check."""
