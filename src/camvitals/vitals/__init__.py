"""Waves in, readings out."""
