"""Rules that know more than the text: what the engine knows of a Dockerfile that it has built.

A rule a file, as in `rules`. They ask `options.surroundings`, which the engine fills in.
"""
