"""The workflow pipeline: one execution opens a run, one more makes each call of a step."""
