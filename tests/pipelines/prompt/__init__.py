"""Tests of pipelines/prompt/."""
