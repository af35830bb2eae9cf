"""wherry system ..."""
