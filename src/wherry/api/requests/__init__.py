"""Docker's request documents read into the engine's values."""
