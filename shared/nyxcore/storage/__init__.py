"""Objects in S3: keys that begin with the tenant, presigned links."""
