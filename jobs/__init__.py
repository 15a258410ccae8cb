"""The job engine: queue, owners, events, durable store and worker processes."""
