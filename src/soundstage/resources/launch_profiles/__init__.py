"""Launch profiles: who may launch which image, on which size, by which rules."""
