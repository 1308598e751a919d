"""The report pipeline: a model writes prose between the computed parts of a report, and it is checked."""
