"""Secrets in free text: tokens by the form their issuer documents, and values beside a key."""

import re

# Forms of tokens, as those who issue them document them.
TOKENS = "|".join(
    (
        r"hf_[A-Za-z0-9]{20,}",
        r"api_org_[A-Za-z0-9]{20,}",
        r"gh[pousr]_[A-Za-z0-9]{20,}",
        r"github_pat_\w{20,}",
        r"gl(?:pat|dt|ptt|rt|cbt|oas|agent|soat|ft|imt)-[\w-]{16,}",
        r"(?:sk|pk|rk)[-_](?:live_|test_|proj-|ant-|or-|svcacct-|admin-)[\w-]{8,}",
        r"sk-(?=[\w-]*\d)[\w-]{16,}",
        r"sk-[A-Za-z0-9]{20,}",
        r"(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ABIA|ACCA)[A-Z0-9]{12,}",
        r"xox[a-z](?:\.xox[a-z])?-[\w-]{8,}",
        r"xapp-[\w-]{10,}",
        r"AIza[\w-]{30,}",
        r"ya29\.[\w-]{16,}",
        r"GOCSPX-[\w-]{16,}",
        r"npm_[A-Za-z0-9]{30,}",
        r"pypi-[\w-]{16,}",
        r"dckr_(?:pat|oat)_[\w-]{16,}",
        r"nvapi-[\w-]{16,}",
        r"r8_[A-Za-z0-9]{20,}",
        r"gsk_[A-Za-z0-9]{20,}",
        r"SG\.[\w-]{16,}\.[\w-]{16,}",
        r"do[opr]_v1_[a-f0-9]{32,}",
        r"hv[sbr]\.[\w-]{20,}",
        r"tskey-[\w-]{10,}",
        r"gl(?:sa|c)_[\w=+/-]{20,}",
        r"lin_api_\w{20,}",
        r"dapi[a-f0-9]{32}",
        r"wandb_v\d_\w{16,}",
        r"local-[a-f0-9]{40}",
        # Whoever issued it: a short name, then what no word is.
        r"(?:[a-z]{2,8}[-_]){1,3}(?=[0-9]*[a-f])(?=[a-f]*[0-9])[a-f0-9]{32,}(?![\w])",
        r"(?:[A-Za-z]{2,8}[-_]){1,3}(?=[0-9]*[A-Z])(?=[A-Z]*[0-9])[A-Z0-9]{26,}(?![\w])",
    )
)
#: A word of letters, digits, - and _ that may be a token of any issuer.
#: Not a symbol as C++ compilers write it: N5torch2nn10LPPoolImplILm2EE.
WORD = re.compile(
    r"(?<![\w/@-])(?![NZFK]{0,3}(?:St)?\d{1,2}[a-z_]\w+E)(?=[\w-]*\d)"
    r"[A-Za-z0-9][A-Za-z0-9_-]{18,}[A-Za-z0-9_]={0,2}(?!\w)"
)
#: 32 or 40 digits of a hash in free text: keys of services look so, and so does a commit.
HASH = re.compile(r"(?<![\w/+.@-])(?:[0-9a-f]{40}|[0-9a-fA-F]{32})(?![\w/+-])")
_COMMIT = re.compile(
    r"(?i)(?:commit|revision|rev|sha\d*|md5|digest|hash|checksum|head|ref|checkout)"
    r"[\"']?[ :=(]{1,3}[\"']?$"
)
_KINDS = (r"[A-Z]", r"[a-z]", r"\d")
_SYLLABLE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_RANDOM_LETTERS = 20  #: what is shorter can be a name: DINOv3ViTGatedMLP
_RANDOM_SHARE = 0.42  #: syllables a letter; of random letters 0.55 on average, of names below 0.4
_KEY = (
    r"pass(?:word|wort|wd|phrase|code)|pwd|secrets?|credentials?|authorization|bearer|cookie|auth"
    r"|session[_-]?(?:id|key)|(?:api|access|private|secret|encryption|account|auth|licen[cs]e"
    r"|subscription|client|master|shared|ssh|signing)[_ -]?key|token|signature"
    r"|(?-i:(?<=[A-Z0-9]_)(?:KEY|PASS|PAT|PW)(?:_BASE)?|SECRET_KEY_BASE|\bKEY)"
)
BESIDE_A_KEY = re.compile(
    rf"(?i)(?<![\w.-])(?P<key>[\w.-]{{0,64}}?(?:{_KEY}))(?P<sep>[\"']?\]?\s*(?:=>|:=|[:=])\s*"
    r"|\s+is\s+|\s+provided:\s+|\s+for\s+key:\s+)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;&)}\]]+)"
)
OPTION = re.compile(
    r"(?i)(?<![\w-])(--?(?:[\w-]*[-_])?(?:password|passwd|passphrase|secret|token|pat|credentials?"
    r"|auth|(?:[a-z]+[-_])?key)[ =]\s*)(?!-|\d{1,8}\b)(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"']+)"
)
#: A user's name and a secret, as curl, docker and a netrc take them.
LOGIN = re.compile(
    r"(?i)\b(?:(curl\s.{0,200}?(?:-u|--user)[ =])[^\s:\"']+:[^\s\"']+"
    r"|(docker\s+login\b.{0,200}?\s(?:-p|--password)[ =])\S+"
    r"|(login\s+)\S+(\s+password\s+)\S+|(wandb\s+login\s+)(?!to\b)[\w-]{8,})"
)
#: A variable or header in capitals, or a word before a value that no word is.
NAMED = re.compile(
    r"(?<![\w.-])((?:(?-i:[A-Z][A-Z0-9]*_(?:API_?)?KEY|[A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD))"
    r"|(?i:password|passphrase|token|basic|api key))\s+[\"']?)"
    r"(?P<value>(?=[A-Za-z+/_-]*\d)(?=[\d+/_-]*[A-Za-z])[\w+/-]{8,}={0,2})"
    r"(?![\w.-])"
)
#: Words that stand beside a key and are no secret.
_PLAIN = frozenset(
    ("none", "null", "nil", "true", "false", "yes", "no", "not", "set", "unset", "missing", "str")
)
#: What "token" means here nearly always: a piece of text, and its count.
_TEXT_TOKEN = re.compile(
    r"(?i)(?:^|[_.-])(?:pad(?:ding)?|eos|bos|unk|mask|sep|cls|image|video|audio|special|start|end"
    r"|begin|per|real|first|last|next|prev|each|every|stop|unexpected|invalid|added|additional)"
    r"[_.-]?token$"
)
QUERY = (
    r"[\w.-]*(?:token|sig|signature|key|key-pair-id|auth|pass|password|secret|credential|policy"
    r"|code|session|jwt|sas)"
)


def beside_a_key(found: re.Match[str]) -> str:
    """Return ``key=SECRET``, or what was found where the value is a number, a word or a type."""
    key, value = found["key"], found["value"].strip("\"'")
    word = key.lower()
    if found["sep"].strip() == "is" and not re.search(r"pass|pwd", word):
        return found[0]
    if not value or value.lower() in _PLAIN:
        return found[0]
    number = re.fullmatch(r"[-+]?[\d.,e+-]{1,11}%?", value)
    if number and not re.search(r"pass|pwd|secret", word):
        return found[0]
    if re.fullmatch(r"[*.x•]{3,}|<.*>?|SECRET", value) or value.startswith(("<|", "$", "[")):
        return found[0]
    if word.endswith(("token", "auth", "cookie", "signature")) and len(value) < 6:
        return found[0]
    if _TEXT_TOKEN.search(word):
        return found[0]
    if "/" in value and re.search(r"signature|auth$", word):
        return found[0]
    quote = found["value"][0] if found["value"][0] in "\"'" else ""
    return f"{key}{found['sep']}{quote}SECRET{quote}"


def login(found: re.Match[str]) -> str:
    """Return the command without the name and the secret."""
    before, between = found[1] or found[2] or found[3] or found[5], found[4]
    return f"{before}USER{between}SECRET" if between else f"{before}SECRET"


def word(found: re.Match[str]) -> str:
    """Return SECRET for a word one part of which is random, as no name is."""
    parts = re.split("[-_=]", found[0])
    return "SECRET" if any(map(_random, parts)) else found[0]


def hashed(found: re.Match[str]) -> str:
    """Return SECRET unless a word before says that it is a commit or a digest."""
    plain = not re.search(r"[a-fA-F]", found[0]) or not re.search(r"\d", found[0])
    before = found.string[max(0, found.start() - 20) : found.start()]
    return found[0] if plain or _COMMIT.search(before) else "SECRET"


def _random(part: str) -> bool:
    if len(part) < _RANDOM_LETTERS or not all(re.search(kind, part) for kind in _KINDS):
        return False
    return len(_SYLLABLE.findall(part)) >= _RANDOM_SHARE * len(part)


def blob(found: re.Match[str]) -> str:
    """Return SECRET for capitals, small letters and digits together, as base64 has."""
    text = found[0]
    return "SECRET" if all(re.search(kind, text) for kind in _KINDS) else text
