"""Building images from Dockerfiles: which stages, with which values, and (next) how."""
