"""`nyx workflow`: what people do with workflows on this machine."""
