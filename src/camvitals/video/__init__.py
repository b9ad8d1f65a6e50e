"""Recordings in, frames with their own times out; the only door to PyAV."""
