"""wherry network ..."""
