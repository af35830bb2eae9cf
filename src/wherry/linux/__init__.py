"""The kernel: typed wrappers over system calls and kernel file formats; failures are OSError."""
