"""Docker's JSON shapes, printed by the command line and the API alike."""
