"""From a container's configuration to its OCI runtime configuration, split by meaning."""
