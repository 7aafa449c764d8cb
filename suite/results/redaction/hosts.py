"""Hosts and addresses in free text, and what only looks like one: versions, slices, modules."""

import ipaddress
import re

#: Hosts that anybody can reach, and that say nothing about a machine; their subdomains as well.
_PUBLIC = """
    amd.com apache.org anaconda.org arxiv.org conda.io creativecommons.org doi.org docker.com
    docker.io docs.rs example.com example.net example.org gcr.io ghcr.io github.com github.io
    githubusercontent.com gitlab.com gnu.org google.com hf.co huggingface.co intel.com kernel.org
    meta.com microsoft.com modelscope.cn nvcr.io nvidia.com openai.com opensource.org pypi.org
    python.org pythonhosted.org pytorch.org quay.io readthedocs.io stackoverflow.com unsloth.ai
    wikipedia.org
"""
PUBLIC_HOSTS = frozenset(_PUBLIC.split())
_VERSION_BEFORE = re.compile(
    r"(?i)(?:[=<>~!]=|\bv|\b(?:version|release|cudnn|cublas|cuda|nccl|tensorrt|[a-z0-9_]+-cu\d+)"
    r"[ :=]{1,3}v?)$"
)
_PRIVATE_NET = re.compile(r"(?:192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254)\.")
TLDS = (
    "com org net edu gov mil io ai app dev cloud tech xyz systems network online site ac ae am ar"
    " at au az ba bd be bg bo br bw by ca ch ci cl cm cn co cr cy cz de dk do dz ec ee eg es et eu"
    " fi fr ge gh gr gt hk hn hr hu ie il in iq ir is it jm jo jp ke kg kh kr kw kz la lb lk lt lu"
    " lv ma me mk mn mt mu mx my na ng ni nl no np nz om pa pe ph pk pr qa ro rs ru rw sa se sg"
    " si sk sn sv sy th tn tr tt tv tw tz ua ug uk us uy uz ve vn za zm zw"
).replace(" ", "|")
INNER = (
    "internal|local|lan|corp|home|intranet|private|localdomain|example|test|invalid|arpa|consul"
    "|svc|onprem|hpc|cluster"
)
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#: A list of nodes as Slurm has it, and a machine of Windows.
NODES = re.compile(
    r"(?<![\w.-])(?:((?i:nodes?(?:list)?)\b[ :=]{1,3})[A-Za-z][\w-]*\[[\d,-]+\](?:,[\w.\[\]-]+)*"
    r"|()(?:[A-Za-z][\w-]*\[0\d+(?:[-,]\d+)+\](?:,[\w.\[\]-]+)*|DESKTOP-[A-Z0-9]{5,8}\b))"
)
#: Below these nobody has a public name, and no module is called so.
_NEVER_PUBLIC = frozenset(("internal", "lan", "corp", "intranet", "localdomain", "onprem"))
URL = r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://"


def ipv4(found: re.Match[str]) -> str:
    """Return IP unless a word before it says that the four numbers are a version."""
    try:
        ipaddress.IPv4Address(found["ip"])
    except ValueError:
        return found[0]
    # A library's fourth number is no port, and these nets are nobody's version.
    if found["port"] or _PRIVATE_NET.match(found["ip"]):
        return f"IP{found['more'] or ''}{found['port'] or ''}"
    if found["more"] and found["more"][1].isalpha():
        return found[0]
    # cuBLAS 13.1.0.3: four numbers are a version where a word or a pin says so.
    before = found.string[max(0, found.start() - 40) : found.start()]
    return found[0] if _VERSION_BEFORE.search(before) else f"IP{found['more'] or ''}"


def ipv6(found: re.Match[str]) -> str:
    """Return IP for a valid address that is no slice."""
    text = found[0].partition("%")[0]
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return found[0]
    groups = [group for group in text.split(":") if group]
    # x[::2] and x[1::2] are slices.
    if len(groups) < 3 and not re.match(r"[23fF][0-9A-Fa-f]{3}:", text):
        return found[0]
    return "IP"


def _public(host: str) -> bool:
    parts = host.lower().rstrip(".").split(".")
    return any(".".join(parts[start:]) in PUBLIC_HOSTS for start in range(len(parts)))


def _cut_off(host: str) -> bool:
    """Return whether an ellipsis ends what may have been a public host, or its page's."""
    begun = host.lower().removesuffix("…")
    names = [front + name for name in PUBLIC_HOSTS for front in ("", "docs.", "www.")]
    return host.endswith("…") and any(name.startswith(begun) for name in names)


def url_host(found: re.Match[str]) -> str:
    """Return a URL without the host and path of a server that is not public."""
    host = found["host"].strip("[]")
    if _cut_off(host):
        return found[0]
    if found["scheme"].lower() in ("file://", "unix://", "npipe://") or _public(host):
        return found[0]
    if host in ("HOST", "IP", "localhost"):
        return found[0]
    return f"{found['scheme']}HOST{found['port'] or ''}{'/...' if found['rest'] else ''}"


def host(found: re.Match[str]) -> str:
    """Return HOST for a name below a top-level domain that is no module of Python."""
    name = found[0]
    if _public(name) or name.startswith(("self.", "cls.")):
        return name
    labels = name.split(".")
    inner = re.fullmatch(INNER, labels[-1], re.IGNORECASE)
    if not any(re.search(r"[A-Za-z]", label) for label in labels[:-1]):
        return name  # a version: 2.11.0.dev
    if len(labels) > 2 or labels[-1].lower() in ("com", "org", "edu", "gov", "mil"):
        return "HOST"
    if inner and (labels[-1].lower() in _NEVER_PUBLIC or re.search(r"[\d-]", labels[0])):
        return "HOST"
    return name


def mail(found: re.Match[str]) -> str:
    """Return MAIL for an address; a digest or a version behind the @ is none."""
    version = found["host"].startswith("self.") or re.match(r"sha\d", found["host"])
    return found[0] if version else "MAIL"


def account(found: re.Match[str]) -> str:
    """Return USER@HOST, but keep name@sha256:…, model@COMMIT and action@v4."""
    host = found["host"]
    if re.fullmatch(r"(?:sha\d+|md5|v?\d[\w.]*|[0-9a-f]{7,}|main|master|latest|HOST)", host):
        return found[0]
    return "USER@HOST"
