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
    )
)
_KEY = (
    r"pass(?:word|wort|wd|phrase|code)|pwd|secrets?|credentials?|authorization|cookie|auth"
    r"|session[_-]?(?:id|key)|(?:api|access|private|secret|encryption|account|auth|licen[cs]e"
    r"|subscription|client|master|shared|ssh|signing)[_ -]?key|token|signature"
    r"|(?-i:(?<=[A-Z0-9]_)KEY|(?<=[A-Z0-9]_)PASS|(?<=[A-Z0-9]_)PAT)"
)
BESIDE_A_KEY = re.compile(
    rf"(?i)(?<![\w.-])(?P<key>[\w.-]{{0,64}}?(?:{_KEY}))(?P<sep>[\"']?\s*(?:=>|:=|[:=])\s*"
    r"|\s+is\s+)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;&)}\]]+)"
)
OPTION = re.compile(
    r"(?i)(?<![\w-])(--?(?:[\w-]*[-_])?(?:password|passwd|passphrase|secret|token|api-?key"
    r"|access-?key|secret-?key)\s+)(?!-)([^\s\"']+)"
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


def blob(found: re.Match[str]) -> str:
    """Return SECRET for capitals, small letters and digits together, as base64 has."""
    text = found[0]
    kinds = (r"[A-Z]", r"[a-z]", r"\d")
    return "SECRET" if all(re.search(kind, text) for kind in kinds) else text
