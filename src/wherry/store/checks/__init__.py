"""Whether what is on disk is what the rows say: a file for each kind of thing."""
