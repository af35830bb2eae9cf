"""The use cases, one file per operation."""
