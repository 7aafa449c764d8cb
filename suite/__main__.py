"""``python -m suite``: the command line."""

import sys

from suite.cli import main

try:
    sys.exit(main())
except ModuleNotFoundError as error:
    from suite.run import venv

    venv.report_damage(error)
    raise
