"""Colour traces in, pulse waves out."""
