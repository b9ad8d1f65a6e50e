"""Vital signs from ordinary RGB video."""
