"""Images as immutable values over their sources."""
