"""Recordings with known truth: made people, and corpora."""
