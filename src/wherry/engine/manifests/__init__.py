"""Manifest lists: drafts of them, kept where Docker keeps them, and pushing them."""
