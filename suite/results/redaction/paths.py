"""Paths in free text: how they are recognized, and what is left of them when published.

Of a path its last part stays, since that tells one file from another; of a home folder nothing
does. ``suite.results.redaction.rules`` has the table that these patterns stand in.
"""

import re

_PART = r"[^\s/\\\"'`<>|:;,()\[\]{}*?!=]+"
_HOMES = r"home\d*|homes|Users|users"
#: Folders whose entries are mostly named after people.
_PEOPLES = """
    home home1 home2 homes user users scratch work gpfs lustre nfs u usr1 people staff students
    project projects proj
"""
PEOPLES = frozenset(_PEOPLES.split())

FILE_URL = re.compile(r"(?i)\b(?:file|unix|npipe):/{1,3}(?!\.\.\.)[^\s\"'<>`|)\]]+")
#: A whole path between quotes, which may hold spaces.
QUOTED = re.compile(
    r"(?P<quote>[\"'`])(?!\\(?:[nrtu]|x[0-9a-f]))(?P<path>(?:[A-Za-z]:|~[\w.-]*)?[/\\]{1,2}[^\"'`\n/\\]+[/\\][^\"'`\n]*)(?P=quote)"
)
_WINDOWS_PART = r"[^\s\\/\"'`<>|:;,()\[\]{}*?]+(?: [^\s\\/\"'`<>|:;,()\[\]{}*?]+){0,3}(?=[\\/])"
WINDOWS = re.compile(
    rf"(?<![A-Za-z0-9])(?:[A-Za-z]:(?:\\{{1,4}}|/)|\\{{1,4}}(?=Users\\))"
    rf"(?:{_WINDOWS_PART}[\\/]{{1,4}})+(?:[^\s\\/\"'`<>|:;,()\[\]{{}}*?]+)?"
)
#: \\server\share\folder
SHARE = re.compile(r"(?<![\\\w])\\{2,4}[A-Za-z][\w.-]+\\{1,2}[\w.$-]+(?:\\{1,2}[\w.$-]+)*")
#: Wherever it stands, as after -I; a URL comes first so that its own path stays.
HOME = re.compile(
    rf"(?P<url>\bhttps?://\S+)|(?:/{_PART})*/+(?:{_HOMES})/+(?:\./+)*(?!\.\.\.)"
    rf"(?P<name>{_PART}(?:(?: {_PART}){{1,2}}(?=/))?)(?:/+{_PART})*/?"
)
# Two parts or more, so that "and/or", units ("token/s") and owner/name stay; not within a URL.
ABSOLUTE = re.compile(
    rf"(?:(?<![\w/.~-])|(?<=[\s\"'=]-[A-Za-z])|(?<=^-[A-Za-z]))"
    rf"(?:~[A-Za-z_][\w.-]*/+|~?/)(?:{_PART}/+)*(?:{_PART})?/?"
)
#: ~name, home/name/ in a listing, -home-name- in a folder's name, %2Fhome%2Fname in a URL.
OTHER_HOME = re.compile(
    r"(?<![\w/.~])~(?P<tilde>[A-Za-z_][\w.-]*[\w])(?![\w/])"
    rf"|(?<![\w/.-])(?:home|Users)/(?P<listed>{_PART})(?=/)"
    r"|(?<!\w)-(?:home|Users)-(?P<dashed>[A-Za-z0-9_]+)(?=-|$|[\s\"',\]])"
    r"|%(?:25)*2F(?:home|Users)%(?:25)*2F(?P<coded>[^%\s/?&\"']+)",
    re.IGNORECASE,
)
#: Where an installation keeps its programs: what lies there is named after no person.
_SYSTEM = frozenset(("bin", "sbin", "lib", "lib64", "libexec", "share", "include", "etc", "dev"))
_SYSTEM_TOPS = frozenset(("usr", "bin", "sbin", "lib", "lib64", "proc", "sys", "dev", "etc"))
_FILE = re.compile(
    r"(?i).+\.(?:py[cdio]?|so|json[lc]?|safetensors|bin|txt|log|toml|ya?ml|cfg|conf|ini|sh|cc?|h|cpp"
    r"|hpp|cuh?|ptx|cubin|o|a|pth?|ckpt|gguf|model|index|arrow|parquet|csv|tsv|lock|zst|gz|xz|bz2|tar"
    r"|zip|whl|egg|sock|pid|db|html?|md|rst|exe|dll|dylib|npy|npz|pkl|pickle|jinja|tiktoken|vocab"
    r"|part|tmp|env|service|scope|out|err)(?:[.]\d+)*|[\w.-]+\.so[.\d]*"
)
#: "~half" is about a half.
_ABOUT = frozenset(("half", "third", "quarter", "twice", "one", "two", "three", "ten", "zero"))


def shortened(found: re.Match[str]) -> str:
    """Return the last part of a path behind ``.../``; of a person's folder itself only ``~``."""
    groups = found.groupdict()
    text = groups.get("path") or found[0]
    mark = groups.get("quote") or ""
    rest = re.sub(r"^(?:(?i:file|unix|npipe):)", "", text)
    parts = [part for part in re.split(r"[/\\]+", rest) if part and part != "."]
    if len(parts) < 2 and not re.match(r"~\w", rest) and not found[0].lower().startswith("file:"):
        return found[0]
    if not parts:
        return found[0]
    stops = re.search(r"[.,]+$", parts[-1]) if not mark else None
    end = stops[0] if stops else ""
    last = parts[-1].removesuffix(end)
    if len(parts) == 1 and rest.startswith("~"):
        return f"{mark}~{mark}"
    if len(parts) > 1 and parts[-2].lower() in PEOPLES and "." not in last[1:]:
        return f"{mark}~{mark}{end}"
    if not _names_a_file(parts, last):
        return f"{mark}.../FOLDER{mark}{end}"
    return f"{mark}.../{last}{mark}{end}"


def _names_a_file(parts: list[str], last: str) -> bool:
    """Return whether a path's last part says what it is, and not perhaps whose."""
    system = parts[0] in _SYSTEM_TOPS or not _SYSTEM.isdisjoint(parts[:-1])
    return system or _FILE.fullmatch(last) is not None


def home(found: re.Match[str]) -> str:
    """Return what is left of a path through a home folder: its last part, or ``~``."""
    if found["url"]:
        return found[0]
    rest = found[0][found.end("name") - found.start() :].strip("/")
    last = rest.rpartition("/")[2]
    bare = last.rstrip(".")
    return f".../{last}" if _FILE.fullmatch(bare) else f"~{last[len(bare) :]}"


def other_home(found: re.Match[str]) -> str:
    """Return a home folder's place without its name."""
    if found["tilde"]:
        return found[0] if found["tilde"].lower() in _ABOUT else "~"
    name = next(value for value in found.groupdict().values() if value)
    return found[0][: -len(name)] + "USER"
