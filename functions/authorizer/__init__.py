"""The Lambda authorizer of API Gateway: turns away early who has no token; the API asks again by itself."""
