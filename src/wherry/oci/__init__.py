"""Data models and rules of the OCI and Docker formats. No input or output here."""
