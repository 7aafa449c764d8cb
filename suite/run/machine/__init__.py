"""What this machine is: its GPU, its host, and whether it is fit to measure."""
