"""wherry volume ..."""
