"""The table of rules: each kind of text that must not leave a machine, by its form.

Every rule knows its near misses (a version is no address, ``num_tokens=512`` no secret);
``tests/results/test_redaction.py`` holds both sides. A rule applied to its own result changes
nothing. Names of people and hosts, which have no form, are in ``identities``.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from suite.results.redaction import hosts, paths, secrets

Replacement = str | Callable[[re.Match[str]], str]


class Rule(NamedTuple):
    """One kind of text, how it is recognized, and what stands in its place."""

    kind: str
    pattern: re.Pattern[str]
    replacement: Replacement


_CUT = r"[^\s\"'<>`|]"

RULES: tuple[Rule, ...] = (
    Rule(
        "private key",
        re.compile(r"-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)"),
        "SECRET",
    ),
    Rule(
        "private key",
        re.compile(r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+) AAAA\S+"),
        "SECRET",
    ),
    Rule("token", re.compile(rf"(?<![A-Za-z0-9])(?:{secrets.TOKENS})"), "SECRET"),
    Rule("token", re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}"), "SECRET"),
    Rule(
        "token",
        re.compile(
            r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)(?!SECRET)(?:[a-z-]+\s+)?[^\s\"',;]+"
        ),
        r"\1SECRET",
    ),
    Rule("token", re.compile(r"\b([Bb]earer\s+)(?!tokens?\b)[\w.~+/=:-]{6,}"), r"\1SECRET"),
    Rule(
        "credentials in a URL",
        re.compile(rf"({hosts.URL})(?:[^\s/\"'<>@:]*:(?!\d+/)[^\s\"'<>@]*@|[^\s/\"'<>]*@)"),
        r"\1",
    ),
    Rule(
        "credentials in a URL",
        re.compile(rf"(?i)({hosts.URL}{_CUT}*[?&;#]{secrets.QUERY}=)[^\s\"'<>&;#]+"),
        r"\1SECRET",
    ),
    Rule("secret", secrets.BESIDE_A_KEY, secrets.beside_a_key),
    Rule("secret", secrets.OPTION, r"\1SECRET"),
    Rule(
        "secret",
        re.compile(r"(?<![\w/+.=-])(?=[A-Za-z0-9/+]*\d)[A-Za-z0-9+/]{40,}={0,2}(?![\w/+-])"),
        secrets.blob,
    ),
    Rule(
        "path",
        paths.FILE_URL,
        paths.shortened,
    ),
    Rule(
        "host name",
        re.compile(
            rf"(?P<scheme>{hosts.URL})(?P<host>\[[^\]\s]*\]|[^\s/:?#\"'<>`|,;()\[\]]+)"
            r"(?P<port>:\d+)?(?P<rest>[/?#][^\s\"'<>`|)\]]*)?"
        ),
        hosts.url_host,
    ),
    Rule(
        "credentials in a URL",
        re.compile(r"(?<![\w./:-])[\w.-]+:(?!//)[^\s:@/\"']+@(?!sha\d)(?=[A-Za-z0-9\[])"),
        "",
    ),
    Rule(
        "mail address",
        re.compile(
            rf"(?<![\w/@.+-])(?P<local>[\w.+%-]{{1,64}})@(?P<host>(?:{hosts.LABEL}\.)+[A-Za-z]{{2,24}})"
            r"(?![\w-])"
        ),
        hosts.mail,
    ),
    Rule(
        "account on a host",
        re.compile(
            rf"(?<![\w/@.+-])[A-Za-z_][\w.-]+@(?P<host>{hosts.LABEL})(?![\w.-]*@)(?![\w-])"
        ),
        hosts.account,
    ),
    Rule(
        "UUID",
        re.compile(
            r"(?i)(?<![0-9a-z])(?:(?:GPU|MIG)-)*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}"
            r"-[0-9a-f]{12}(?:/\d+/\d+)?(?![0-9a-z])"
        ),
        "UUID",
    ),
    Rule("UUID", re.compile(r"\b(?:GPU|MIG)-[0-9a-fA-F]{6,}[0-9a-fA-F-]*(?!\w)"), "UUID"),
    Rule(
        "UUID",
        re.compile(
            r"(?i)\b((?:machine|boot|host|system|device|instance)[-_ ]?u?u?id\b[\"']?\s*[:=]?\s*"
            r"[\"']?)(?=[\w-]*\d)[\w-]{8,}"
        ),
        r"\1UUID",
    ),
    Rule(
        "serial number",
        re.compile(
            r"(?i)\b((?:serial(?:[ _-]?(?:number|num|no|nr|#))?|s/n|(?:asset|service)[ _-]?tag"
            r"|imei|wwn|eui|nguid)\b\.?[\"']?\s*[:=#]?\s*[\"']?)(?=[\w-]*\d)[\w-]{5,}"
        ),
        r"\1SERIAL",
    ),
    Rule(
        "hardware address",
        re.compile(
            r"(?i)(?<![0-9a-z:-])[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}(?![0-9a-z:-])"
        ),
        "MAC",
    ),
    Rule(
        "IP address",
        re.compile(
            r"(?<![\w:.])(?=[0-9A-Fa-f]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,45}(?:\.\d{1,3}){0,3}"
            r"(?:%\w+)?(?![\w:])"
        ),
        hosts.ipv6,
    ),
    Rule(
        "IP address",
        re.compile(r"(?<![\w.])(?P<ip>\d{1,3}(?:\.\d{1,3}){3})(?!\w|\.\d|[-+][A-Za-z])"),
        hosts.ipv4,
    ),
    Rule("path", paths.QUOTED, paths.shortened),
    Rule("path", paths.WINDOWS, paths.shortened),
    Rule("path", paths.SHARE, paths.shortened),
    Rule("home folder", paths.HOME, paths.home),
    Rule("path", paths.ABSOLUTE, paths.shortened),
    Rule("home folder", paths.OTHER_HOME, paths.other_home),
    Rule(
        "host name",
        re.compile(
            r"\b((?:HOSTNAME|MASTER_ADDR|SLURMD_NODENAME|SLURM\w*_NODELIST|COMPUTERNAME|NODE_?NAME)"
            r"=[\"']?)[^\s\"',;]+(?:,[^\s\"';]+)*"
        ),
        r"\1HOST",
    ),
    Rule(
        "host name",
        re.compile(r"(?i)(?<![\w.-])ip-\d{1,3}(?:-\d{1,3}){3}(?:\.[\w.-]*\w)?"),
        "HOST",
    ),
    Rule(
        "host name",
        re.compile(
            rf"(?i)(?<![\w.@/\\-])(?:{hosts.LABEL}\.)+(?:{hosts.TLDS}|{hosts.INNER})(?![\w-]|\.\w|\s?[(\[=])"
        ),
        hosts.host,
    ),
)

#: For where a fact of the catalog comes from: a page of the web is named, an inner one is not.
SOURCE_RULES = (
    *(rule for rule in RULES if rule.kind != "host name"),
    Rule(
        "host name",
        re.compile(
            rf"(?i)(?P<scheme>{hosts.URL})(?P<host>(?:{hosts.LABEL}\.)*(?:{hosts.INNER})|{hosts.LABEL})"
            r"(?P<port>:\d+)?(?![\w.-])(?P<rest>[/?#][^\s\"'<>`|)\]]*)?"
        ),
        hosts.url_host,
    ),
    Rule(
        "host name",
        re.compile(rf"(?i)(?<![\w.@/\\-])(?:{hosts.LABEL}\.)+(?:{hosts.INNER})(?![\w-]|\.\w)"),
        hosts.host,
    ),
)
