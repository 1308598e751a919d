"""Who is asking: tenants, tokens, tickets, scopes, audit."""
