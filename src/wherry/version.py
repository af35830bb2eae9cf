"""The version of Wherry, in a leaf module: reading package metadata costs 40 ms at start-up."""

__version__ = "0.1.0"
