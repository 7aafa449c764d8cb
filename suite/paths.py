"""Where this checkout keeps what the code reads and writes."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "reports" / "results"  #: what was published
