"""The Docker Engine API over HTTP: it translates requests for the engine, and does nothing else."""
