"""Take out of a record and a plan what says whose machine it was, and keep count of it.

Nothing measured changes: forms (``rules.RULES``) are looked for in every text, names only in
the text that a machine or a worker wrote, so that a user called "lora" renames no method.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from suite.results.lazy import resolve
from suite.results.memoize import once
from suite.results.plan import Plan
from suite.results.record import Record
from suite.results.redaction import identities, rules
from suite.results.redaction.identities import Identities

T = TypeVar("T", Record, Plan)
R = TypeVar("R", str, str | None)

#: Registries that anybody can pull from; the name of any other tells of a company's network.
PUBLIC_REGISTRIES = frozenset(
    {"docker.io", "ghcr.io", "nvcr.io", "public.ecr.aws", "quay.io", "registry.gitlab.com"}
)
#: Of a case that failed, the last lines; of one that did not, none.
TAIL_LINES = 20
MESSAGE_CHARACTERS = 500
#: No text of this suite is longer; of a stranger's the rest goes, since rules take longer on it.
MOST_CHARACTERS = 8000
#: What the suite, its catalog or a library names; no person's or host's name is looked for there.
_NAMED = """
    case case_id device_name effective engine hardware imported loop method model packages profile
    run_id runner tier work_key
"""
NAMED = frozenset(_NAMED.split())
#: Values that are versions; four numbers of one are no address.
VERSIONS = frozenset(
    (
        *("packages", "imported", "driver", "vbios"),
        *("python", "suite_version", "torch_cuda", "engine_version"),
    )
)
#: Values that are digests, the suite's own or an image's.
DIGESTS = frozenset(
    (
        "record_id",
        "revision",
        "lock_hash",
        "uuid_hash",
        "image_id",
        "digest",
        "base_digest",
        "data",
        "first_rows",
    )
)
_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{8,64}")
_VERSION = re.compile(r"v?\d[\w.+!-]{0,60}")


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """So many texts of one kind that were taken out of one field of a run's records or plan."""

    kind: str
    where: str
    count: int


class Scrubber:
    """Scrubs records and plans of one run; ``taken`` says what it took out so far."""

    def __init__(self, names: Identities) -> None:
        self._names = [
            rules.Rule(kind, pattern, word)
            for kind, known, word in (
                ("host name", names.hosts, "HOST"),
                ("user name", names.users, "USER"),
            )
            if (pattern := identities.pattern(known))
        ]
        self._counts: Counter[tuple[str, str]] = Counter()

    @property
    def taken(self) -> tuple[Taken, ...]:
        """Return what was taken out, most first."""
        return tuple(
            Taken(kind=kind, where=where, count=count)
            for (kind, where), count in sorted(
                self._counts.items(), key=lambda item: (-item[1], item[0])
            )
        )

    def scrub(self, value: T) -> T:
        """Return a record or a plan without what identifies a machine or a person."""
        found = self._container(value) if isinstance(value, Record) else value
        plain = msgspec.to_builtins(found, enc_hook=resolve)
        return msgspec.convert(self._value(plain, ()), type(value))

    def trim(self, record: Record) -> Record:
        """Return the record with no more of a worker's own words than it needs.

        Of a good case none; of another its last lines and the beginning of its message.
        """
        kept = () if record.outcome == "ok" else record.output_tail[-TAIL_LINES:]
        if lost := len(record.output_tail) - len(kept):
            self._counts["output no longer needed, lines", "output_tail"] += lost
        failure = record.failure
        if failure is not None and len(failure.message) > MESSAGE_CHARACTERS:
            self._counts["end of a long message", "failure.message"] += 1
            message = failure.message[: MESSAGE_CHARACTERS - 1] + "…"
            failure = msgspec.structs.replace(failure, message=message)
        reason = "" if record.outcome == "ok" else record.reason
        if reason != record.reason:
            self._counts["reason of a good case", "reason"] += 1
        return msgspec.structs.replace(record, output_tail=kept, failure=failure, reason=reason)

    def plan(self, plan: Plan) -> Plan:
        """Return the plan scrubbed; of weights of one's own only that they were a folder's."""
        if plan.weights not in ("dummy", "hub"):
            self._counts["path", "weights"] += 1
            argv = tuple("path" if word == plan.weights else word for word in plan.argv)
            plan = msgspec.structs.replace(plan, weights="path", argv=argv)
        return self.scrub(plan)

    def _container(self, record: Record) -> Record:
        container = record.environment.container
        if container is None:
            return record
        image, base = _registry(container.image), _registry(container.base)
        if (image, base) == (container.image, container.base):
            return record
        self._counts["private registry", "environment.container"] += 1
        container = msgspec.structs.replace(container, image=image, base=base)
        environment = msgspec.structs.replace(record.environment, container=container)
        return msgspec.structs.replace(record, environment=environment)

    def _value(self, value: Any, way: tuple[str, ...]) -> Any:
        if isinstance(value, str):
            return self._text(value, way)
        if isinstance(value, (list, tuple)):
            return [self._value(item, way) for item in value]
        if isinstance(value, dict):
            return {self._text(key, way): self._value(v, (*way, key)) for key, v in value.items()}
        return value

    def _text(self, text: str, way: tuple[str, ...]) -> str:
        if not text or (not VERSIONS.isdisjoint(way) and _VERSION.fullmatch(text)):
            return text
        if way and way[-1] in DIGESTS and _DIGEST.fullmatch(text):
            return text
        # A card's name is not looked into: a host may be called as its card.
        named = NAMED.isdisjoint(way) and way[:2] != ("environment", "gpu")
        found, kinds = self._scrubbed(text, named, way[-1:] == ("source",))
        where = ".".join(way)
        self._counts.update((kind, where) for kind in kinds)
        return found

    @once
    def _scrubbed(self, text: str, named: bool, source: bool) -> tuple[str, tuple[str, ...]]:
        """Return what a text becomes, and the kinds of what that takes out.

        ``named``: host and user names are looked for too. ``source``: it names a source.
        """
        kinds: list[str] = []
        if len(text) > MOST_CHARACTERS:
            kinds.append("end of a long text")
            text = text[: MOST_CHARACTERS - 1] + "…"
        table = rules.SOURCE_RULES if source else rules.RULES
        for rule in [*table, *(self._names if named else ())]:
            text = _replaced(rule, text, kinds)
        return text, tuple(kinds)


def _replaced(rule: rules.Rule, text: str, kinds: list[str]) -> str:
    """Apply one rule, and note its kind for each text that it changed."""

    def put(found: re.Match[str]) -> str:
        as_is = rule.replacement
        new = found.expand(as_is) if isinstance(as_is, str) else as_is(found)
        if new != found[0]:
            kinds.append(rule.kind)
        return new

    return rule.pattern.sub(put, text)


def scrub(record: Record, names: frozenset[str] = frozenset()) -> Record:
    """Return one record without what identifies a machine; ``names`` are those of hosts."""
    return Scrubber(learned([record], known=Identities(hosts=names))).scrub(record)


def learned(found: Iterable[Record | Plan], known: Identities | None = None) -> Identities:
    """Return the known names and those that records and plans give away.

    Less what the suite, a catalog or a driver names there: a host may be called as its card.
    """
    written: set[str] = set()
    named: set[str] = set()
    for value in found:
        _sort(msgspec.to_builtins(value, enc_hook=resolve), written, named, of_ours=False)
    every = identities.learned(written) | (known or Identities())
    ours = {word.lower() for text in named for word in (text, *text.split())}
    return Identities(
        hosts=frozenset(name for name in every.hosts if name.lower() not in ours),
        users=frozenset(name for name in every.users if name.lower() not in ours),
    )


def _sort(value: Any, written: set[str], named: set[str], *, of_ours: bool) -> None:
    """Put each text to those that a machine or a worker wrote, or to what the suite named."""
    if isinstance(value, str):
        (named if of_ours else written).add(value[:MOST_CHARACTERS])
    elif isinstance(value, (list, tuple)):
        for item in value:
            _sort(item, written, named, of_ours=of_ours)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "packages":
                named.update(item)
            card = key == "gpu" and isinstance(item, dict)
            _sort(item, written, named, of_ours=of_ours or card or key in NAMED)


def _registry(image: R) -> R:
    """Return an image's reference without the host of a registry that is not public."""
    if image is None:
        return image
    host, slash, rest = image.partition("/")
    private = slash and (set(host) & set(".:") or host == "localhost")
    return f"REGISTRY/{rest}" if private and host not in PUBLIC_REGISTRIES else image
