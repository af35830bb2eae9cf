"""The linter's command."""
