"""Weights to modules: what lies on disk, what it is, and how it is loaded."""
