"""Scores beside their floors and intervals."""
