"""The table of rules: each kind of text that must not leave a machine, by its form.

Every rule knows its near misses (a version is no address, ``num_tokens=512`` no secret);
``tests/results/redaction/test_redaction.py`` holds both sides. A rule applied to its own result
changes nothing. Names of people and hosts, which have no form, are in ``identities``.
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


_MAIL_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"  # of any script
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
        re.compile(rf"(?i)((?:{hosts.URL}{_CUT}*[?&;#]|[?&]){secrets.QUERY}=)[^\s\"'<>&;#]+"),
        r"\1SECRET",
    ),
    Rule(
        "credentials in a URL",
        re.compile(r"(?i)(%3A%2F%2F)(?:(?!%2F)[^\s\"'<>@:])*%40"),
        r"\1",
    ),
    Rule("secret", secrets.BESIDE_A_KEY, secrets.beside_a_key),
    Rule("secret", secrets.OPTION, r"\1SECRET"),
    Rule("secret", secrets.LOGIN, secrets.login),
    Rule("secret", secrets.NAMED, r"\1SECRET"),
    Rule("token", secrets.WORD, secrets.word),
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
            rf"(?:(?<![\w/@.+-])[\w.+%'-]{{1,64}}|\"[^\"\n]{{1,64}}\")(?:@|%40)"
            rf"(?P<host>(?:{_MAIL_LABEL}\.)+[^\W\d_]{{2,24}}|\[[\w.:]+\])(?![\w-])"
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
            r"(?i)(?<![0-9a-z])(?:(?:GPU|MIG)-)*[0-9a-f]{8}([-_])[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}"
            r"\1[0-9a-f]{12}(?:/\d+/\d+)?(?![0-9a-z])"
        ),
        "UUID",
    ),
    Rule(
        "UUID",
        re.compile(r"(?i)\b(?:GPU|MIG)-(?=[a-f]*\d)[0-9a-f]{6,}[0-9a-f-]*(?!\w)"),
        "UUID",
    ),
    Rule(
        "UUID",
        re.compile(
            r"(?i)((?<![A-Za-z])(?:uuid|guid|container(?:[ _-]?id)?|docker|pod[ _-]?uid)\b[\"']?"
            r"[\s:=/-]{1,3}[\"']?(?:0x)?)(?=[a-f:]*\d)[0-9a-f][0-9a-f:]{10,}[0-9a-f](?!\w)"
        ),
        r"\1UUID",
    ),
    Rule(
        "account of a cloud",
        re.compile(
            r"(?i)\b(?:arn:aws[\w-]*:[^\s\"'<>,;)\]]+|ocid1\.[\w.-]+"
            r"|(?:i|vol|snap|ami|eni|vpc|subnet|sg)-(?=[a-f]*\d)[0-9a-f]{8,17}(?![\w-]))"
        ),
        "ID",
    ),
    Rule(
        "account of a cloud",
        re.compile(r"(?i)(account(?:[ _-]?(?:id|number))?[\"']?[\s:=]{1,3}[\"']?)\d{12}(?!\d)"),
        r"\1ID",
    ),
    Rule(
        "UUID",
        re.compile(
            r"(?i)\b((?:machine|boot|host|system|device|instance)[-_ ]?u?u?id\b[\"']?\s*[:=]?\s*"
            r"[\"']?)(?=[\w-]*\d)[\w-]{8,}"
        ),
        r"\1UUID",
    ),
    Rule("token", secrets.HASH, secrets.hashed),
    Rule(
        "serial number",
        re.compile(
            r"(?i)(?<![A-Za-z0-9])((?:(?-i:SN)(?=[:#=])|serial(?:[ _-]?(?:number|num|no|nr|#))?"
            r"|s/n|(?:asset|service)[ _-]?tag|imei|wwn|eui|nguid)\b\.?[\"']?\s*[:=#]?\s*[\"']?)"
            r"(?=[\w-]*\d)[\w-]{5,}"
        ),
        r"\1SERIAL",
    ),
    Rule(
        "hardware address",
        re.compile(
            r"(?i)(?<![0-9a-z:-])(?:[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4,18}"
            r"|(?=[\d:]*[a-f])[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}"
            r"|(?=[\d.]*[a-f])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})(?![0-9a-z:-])"
        ),
        "MAC",
    ),
    Rule(
        "hardware address",
        re.compile(
            r"(?i)\b((?:mac|hwaddr|ether)(?:[ _-]?addr(?:ess)?)?[\s:=]{1,3})[0-9a-f]{12}\b"
        ),
        r"\1MAC",
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
        re.compile(
            r"(?<![\w.])(?P<ip>\d{1,3}(?:\.\d{1,3}){3})(?![^\W_]|\.\d)(?P<more>[-+_][A-Za-z]\w*|_\d+)?(?P<port>:\d{2,5}\b)?"
        ),
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
            r"\b((?:HOSTNAME|MASTER_ADDR|SLURMD_NODENAME|SLURM\w*_NODELIST|COMPUTERNAME|NODE_?NAME|NodeList|BatchHost)"
            r"=[\"']?)[^\s\"',;]+(?:,[^\s\"';]+)*"
        ),
        r"\1HOST",
    ),
    Rule(
        "host name",
        re.compile(r"(?i)(?<![\w.-])ip-\d{1,3}(?:-\d{1,3}){3}(?:\.[\w.-]*\w)?"),
        "HOST",
    ),
    Rule("host name", hosts.NODES, r"\1\2HOST"),
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
