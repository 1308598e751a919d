"""What runs next: queued runs, runs to be woken, runs that are over their time."""
