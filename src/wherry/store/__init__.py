"""Everything on disk: metadata, blobs, layers, volumes, container folders, locks, garbage."""
