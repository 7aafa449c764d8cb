"""Many machines: a plan as the job files of a scheduler that exists, and what its tasks left."""
