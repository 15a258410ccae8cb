"""Tests of models/extra_networks/."""
