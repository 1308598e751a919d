"""AWS on a laptop: S3 and Step Functions by moto, Lambda by worker processes, in one child of the stack."""
