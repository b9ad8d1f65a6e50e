"""Networks with fewer weights: which are kept, how that lasts, and what it saves."""
