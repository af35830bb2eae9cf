"""The nouns of the Python API, one module each: faces without logic of their own."""
