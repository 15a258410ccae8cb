"""Tests of the A1111 API against an engine that is a double; no torch."""
