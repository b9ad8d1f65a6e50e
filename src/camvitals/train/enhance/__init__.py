"""Training of enhancers: pairs of degraded and clean clips, losses, stages, and their export."""
