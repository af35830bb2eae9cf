"""hadolint's rules, a file each; `catalogue` has the table of them."""
