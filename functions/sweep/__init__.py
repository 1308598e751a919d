"""The Lambda function that runs every minute, and when an execution ends badly."""
