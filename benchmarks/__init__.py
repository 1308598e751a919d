"""Measures; never asserts on time. `make bench` prints the figures that benchmarks/README.md keeps."""
