"""``python -m suite``: the command line."""

import sys

from suite import screen
from suite.cli import main

screen.stand_in()
try:
    code = main()
    screen.let_go()
    sys.exit(code)
except ModuleNotFoundError as error:
    from suite.setup import venv

    venv.report_damage(error)
    raise
