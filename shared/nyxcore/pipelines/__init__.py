"""What the tasks of each pipeline do; a folder a pipeline."""
