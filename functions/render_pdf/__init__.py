"""The Lambda function that prints: hostile content in, PDF out; no database, no network, no core layer."""
