"""``python -m suite``: the command line."""

import sys

from suite.cli import main

sys.exit(main())
