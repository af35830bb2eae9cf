"""A client of the OCI distribution protocol, and Docker's credentials for it."""
