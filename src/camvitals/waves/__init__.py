"""Colour traces in, pulse waves out."""

from camvitals.waves.run import METHODS, Method, wave_of

__all__ = ["METHODS", "Method", "wave_of"]
