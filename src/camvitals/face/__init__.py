"""Faces found, followed, and turned into traces of skin colour."""
