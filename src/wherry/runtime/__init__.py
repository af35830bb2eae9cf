"""Creates, starts, execs into, signals and deletes a container from an OCI bundle."""
