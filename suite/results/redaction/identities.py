"""Names of people and hosts: learned from where a text says whose name it is, then found anywhere.

Such a name has no form of its own. But a home folder, ``USER=``, a Slurm message or NCCL's prefix
says it, and the same name then stands elsewhere, in other letters or with ``_run`` behind it.
"""

import contextlib
import getpass
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

#: Words that name a role or a place: they identify nobody and are words of other texts as well.
_GENERIC = """
    admin administrator all anaconda3 app azureuser benchmark build cache centos checkpoint
    checkpoints code conda container cpu cuda data dataset datasets debian default docker ec2-user
    fedora gpu guest home host jovyan lib llm local localhost lora machine me miniconda3 ml model
    models name nobody node opc output outputs pi project projects public python qlora qwen rocky
    root run runner runs scratch server service share shared site slurm src system temp test tests
    tmp max min new old one torch train trainer training transformers tunebench ubuntu unsloth
    user users usr var venv vscode weights work worker workspace you
"""
GENERIC = frozenset(_GENERIC.split())
LEAST_LETTERS = 3

_NAME = r"[A-Za-z0-9\u00c0-\uffff](?:[\w.-]*\w)?"
_USERS = re.compile(
    rf"""(?ix)
    [/\\%](?:(?:25)*2F)?(?:home\d*|homes|Users)(?:[/\\]+|%(?:25)*2F)(?P<folder>{_NAME})
    | (?<![A-Za-z0-9])_(?:home|Users)_(?P<joined>[a-z0-9]+)(?![a-z0-9])
    | (?<![A-Za-z0-9])[a-z]*--(?:home|Users)--(?P<listed>[a-z0-9]+)
    | (?<![\w/.])~(?P<tilde>[a-z_][\w.-]*\w)/
    | \b(?-i:USER|USERNAME|LOGNAME|SUDO_USER|SLURM_JOB_USER)=["']?(?P<variable>{_NAME})
    | \b(?:user\s?name["']?\s*[=:]|user=|logged\ in\ as:?)\s*["']?(?P<said>{_NAME})
    | \buid=\d+\((?P<uid>{_NAME})\)
    | (?<![\w/@.+-])(?P<account>[a-z_][\w.-]+)@[a-z][\w.-]*:
    | (?<!\w)-(?:home|Users)-(?P<dashed>[a-z0-9_]+)(?=-|$)
    | \b(?:user|owner|login|whoami|getpwnam|sudo)["']?\s*[:=]\s*["']?
      (?P<alone>{_NAME})(?=["',;)\]]|\ :|\s*$|\ and\ )
    | \b(?:for|as|by|of)\ user\ ["']?(?P<whose>{_NAME})
    | \b(?:chown\ (?:-\w+\ )?|su\ -\ )(?P<owner>{_NAME})(?::(?P<group>{_NAME}))?
    | (?<!\w)[-dlbcps](?:[-r][-w][-xsStT]){{3}}[.+@]?\ +\d+\ +
      (?P<lists>{_NAME})\ +(?P<lists_group>{_NAME})\s
    """
)
# A host's bare name is taken for one where it holds a digit or a hyphen: "node 3" is a count.
_BARE = r"(?:(?=[\w.-]*[\d-])[A-Za-z](?:[\w.-]*\w)|(?=\d*[a-f])[0-9a-f]{12})"
_HOSTS = re.compile(
    rf"""(?x)
    (?i:\b(?:HOSTNAME|MASTER_ADDR|SLURMD_NODENAME|SLURM_JOB_NODELIST|SLURM_NODELIST|NODENAME
      |COMPUTERNAME|hostname|node\s?name|NodeList|BatchHost|Nodes)["']?\s*[=:]\s*["']?(?P<variable>{_NAME}))
    | (?i:\b(?:node|host|hostname|machine|server)[ :=]+(?P<said>{_BARE}))(?!\S*[=(/])
    | (?:^|(?<=[\s"'\[=]))(?P<nccl>{_NAME}):\d+:\d+\ \[\d+\]
    | \[(?P<mpi>{_BARE}):\d{{2,}}\]
    | \[(?P<bracket>{_BARE})\]:\d{{2,5}}
    | (?:srun|slurmstepd|slurmd):\ error:\ (?P<slurm>{_BARE}):
    | \bON\ (?P<cancelled>{_NAME})\ CANCELLED
    | ^[A-Z][a-z]{{2}}\ +\d+\ \d\d:\d\d:\d\d\ (?P<syslog>{_NAME})\ [\w./-]+(?:\[\d+\])?:
    | @(?P<account>[A-Za-z][\w.-]*\w):
    | (?<![\w./:-])(?P<port>{_BARE}):(?:[1-5]?\d{{4}}|6\d{{4}})(?![\w.])
    | (?<![\w./:-])(?P<mount>{_BARE}):(?=/[A-Za-z])
    | [a-z_][\w.-]*@(?P<prompt>[0-9a-f]{{12}}):
    | \b[a-z]+://(?:[^\s/@]*@)?(?P<url>{_BARE})(?=[:/])
    """
)
#: Numbered things of another kind, and names with a dot, which have a form (``redaction``).
_NO_HOST = re.compile(
    r"(?i)(?:v|sha|md5|cuda|rank|step|epoch|layer|int|float|bf|fp)[-_]?\d*$|.*\.\w{1,4}$"
)


class Identities(msgspec.Struct, frozen=True, kw_only=True):
    """Names to take out; ``hosts`` and ``users`` say what stands in their place."""

    hosts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    def __or__(self, other: "Identities") -> "Identities":
        return Identities(hosts=self.hosts | other.hosts, users=self.users | other.users)


def own() -> Identities:
    """Return the names of this host and of who works on it."""
    node = platform.node()
    users = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME")}
    with contextlib.suppress(KeyError, OSError):  # no passwd entry
        users.add(getpass.getuser())
    users.add(Path(os.environ.get("HOME", "")).name)
    return Identities(hosts=_telling([node, node.partition(".")[0]]), users=_telling(users))


def learned(texts: Iterable[str]) -> Identities:
    """Return the names that these texts themselves say to be a user's or a host's."""
    users: set[str] = set()
    hosts: set[str] = set()
    for text in texts:
        for found in _USERS.finditer(text):
            users.update(name for name in found.groupdict().values() if name)
        for found in _HOSTS.finditer(text):
            names = [name for name in found.groupdict().values() if name]
            hosts.update(name for name in names if not _NO_HOST.match(name))
    return Identities(hosts=_telling(hosts), users=_telling(users))


def pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds any of the names: in any letters, with any separator, ``_`` beside it."""
    forms = [
        r"[._ -]?".join(map(re.escape, re.split(r"[._ -]+", name)))
        for name in sorted(names, key=len, reverse=True)
    ]
    if not forms:
        return None
    return re.compile(rf"(?i)(?<![A-Za-z0-9])(?:{'|'.join(forms)})(?![A-Za-z0-9])")


def _telling(names: Iterable[str]) -> frozenset[str]:
    return frozenset(
        name
        for name in names
        if len(name) >= LEAST_LETTERS
        and name.lower() not in GENERIC
        and name not in ("USER", "HOST")
        and not name.isdigit()
    )
