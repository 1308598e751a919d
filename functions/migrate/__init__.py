"""The function that changes the schema: invoked by a deployment, never by a request."""
