"""The HTTP API of A1111: routes and wire schemas, nothing else."""
