"""Debian and Ubuntu base images from the machine's own mirrors, through mmdebstrap."""
