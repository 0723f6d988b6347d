"""Models: one file each, a forward pass and its mirror."""
