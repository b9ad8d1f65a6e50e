"""Signals on a uniform clock: cleaning, spectra, peaks, alignment."""
