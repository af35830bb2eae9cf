"""Commands that build images."""
