"""What was published with this checkout."""

import re
from collections.abc import Iterable
from pathlib import Path

from suite.paths import RESULTS
from suite.results.storage.reader import NOISE

_NAME = re.compile("[a-z0-9-]+")


def published_noise(profiles: Iterable[str]) -> list[Path]:
    """Return the calibrations that were published with this checkout, for these profiles."""
    files = [RESULTS / profile / NOISE for profile in sorted(profiles) if _NAME.fullmatch(profile)]
    return [file for file in files if file.is_file()]
