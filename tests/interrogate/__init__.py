"""Tests of the interrogators."""
