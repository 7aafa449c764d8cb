"""One case of a comparison: its key and the good records of both sides; what may be unlike."""

from typing import Literal

from suite.results.record import Record

Key = tuple[str, str]  #: profile and case
Side = tuple[Key, list[Record], list[Record]]  #: good records of the base and the candidate
Allowed = Literal["work", "gpu", "weights", "schema", "driver", "power", "tokens", "settling"]
#: The first four are refused in any comparison, the others by a gate alone.
ALLOWED: tuple[Allowed, ...] = (
    *("work", "gpu", "weights", "schema"),
    *("driver", "power", "tokens", "settling"),
)
