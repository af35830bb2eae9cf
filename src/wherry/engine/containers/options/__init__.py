"""What people write in flags and keyword arguments, read into a `ContainerConfig`."""
