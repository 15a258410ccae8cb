"""Tests of the ASGI front and of what stands beside it."""
