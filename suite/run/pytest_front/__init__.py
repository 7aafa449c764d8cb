"""Cases as benchmarks of pytest-benchmark."""
