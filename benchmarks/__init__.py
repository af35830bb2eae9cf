"""Measurements beside other engines. Run one with `python -m benchmarks.containers`."""
