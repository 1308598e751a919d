"""Reports: made from rows, kept, listed, deleted and restored."""
