"""The Lambda function behind /api/v1/events/{family}/{runId}."""
