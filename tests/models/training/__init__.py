"""Tests of what draws and trains the built-in models."""
