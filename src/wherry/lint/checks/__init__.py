"""BuildKit's checks under their own names, a file each; `catalogue` has the table of them.

Their sentences are BuildKit's. InvalidBaseImagePlatform speaks only of images that the store has.
"""
