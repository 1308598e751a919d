"""Models behind one small interface: the call, its ledger, what it costs, and a model that needs no key."""
