"""The stages that run inside the container's namespaces, up to the user's program."""
