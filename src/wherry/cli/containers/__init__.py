"""wherry container ..."""
