"""wherry image ..."""
