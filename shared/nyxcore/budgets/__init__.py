"""Budgets of tenants, projects and runs: held before a model is called, settled by the ledger afterwards."""
