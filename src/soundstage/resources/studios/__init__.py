"""Studios: the root of everything else."""
