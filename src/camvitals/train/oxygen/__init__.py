"""Learning oxygen saturation from recordings with a reference: windows, splits, instances."""
