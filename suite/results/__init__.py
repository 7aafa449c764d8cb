"""What was measured: records, where they are kept, what is computed from them, how two compare.

For notebooks and scripts (``docs/python.md``)::

    from suite.results import compare, metrics, read, rows

``read`` gives a ``Collection`` of records, ``rows`` a table of them, ``compare`` a verdict for
each case, ``metrics.all_metrics()`` what is computed of a record. The rest may change.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.results.comparison import Comparison
    from suite.results.comparison.side import Allowed
    from suite.results.storage.reader import Collection
    from suite.results.table import Row

__all__ = ["compare", "metrics", "read", "rows"]

# Every command imports this file, and few need what these functions do: so each loads its own.


def read(*paths: str | os.PathLike[str]) -> "Collection":
    """Return what run folders, folders of them, and single record files hold, each record once.

    What cannot be used is in ``problems`` of the collection. Raises ``suite.errors.BadInput`` for
    a path that does not exist, or where nothing at all was found.
    """
    from suite.results.storage import reader

    return reader.read([Path(path) for path in paths])


def rows(found: "Collection") -> "list[Row]":
    """Return a row for each record, as ``tunebench export`` writes it: SI units, None is unknown.

    ``pandas.DataFrame(rows(read("runs/a")))`` is a table of them.
    """
    from suite.results import table

    return table.rows(found.records)


def compare(
    base: "Collection", candidate: "Collection", *, allow: "Sequence[Allowed]" = ()
) -> "Comparison":
    """Return a verdict for each case that both have, as ``tunebench compare`` gives it.

    ``allow`` names what may differ: see ``suite.results.comparison.ALLOWED``. Raises
    ``suite.errors.BadInput`` for what cannot be compared.
    """
    from suite.results import comparison

    return comparison.compare(base, candidate, allow=allow)
