"""Session shares: links by which others look on at a workstation and do nothing else."""
