"""Tar archives, read and written as streams: ustar, GNU's and POSIX's extensions, sparse files."""
