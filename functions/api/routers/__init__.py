"""One file a noun: what each call takes, the service it calls, what it answers."""
