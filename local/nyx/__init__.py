"""The `nyx` command and the embedded stack behind `nyx dev`."""
