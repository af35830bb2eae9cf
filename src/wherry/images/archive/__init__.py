"""Image archives: docker-archive and OCI archive, read from and written to one tar stream."""
