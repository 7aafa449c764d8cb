"""``python -m suite``: the command line."""

import sys

from suite import screen
from suite.cli import main

screen.stand_in()
try:
    sys.exit(main())
except ModuleNotFoundError as error:
    from suite.setup import venv

    venv.report_damage(error)
    raise
