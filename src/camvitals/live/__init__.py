"""A source watched as it happens: played or received, lost and found again, recorded, sent on."""
