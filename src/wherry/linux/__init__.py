"""The kernel: thin, typed wrappers over system calls and kernel file formats. Failures are OSError."""
