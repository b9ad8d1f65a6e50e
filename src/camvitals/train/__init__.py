"""Training: one loop for every model, on clips that are read or made while it runs."""
