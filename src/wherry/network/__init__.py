"""Bridges, addresses, published ports and the files of name resolution."""
