"""BuildKit's checks under their own names, a file each; `catalogue` has the table of them.

Their sentences are BuildKit's. One is not here: InvalidBaseImagePlatform needs the image that was
pulled, and is the build's to tell.
"""
