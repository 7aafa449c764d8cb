"""Words that this project had for itself, and what pages and the terminal say instead."""

import re
from collections.abc import Mapping

#: Patterns of private words. A word of the field, a name or a quoted source may stay: that is
#: what the lookarounds are for. These stand nowhere any more.
GONE = {
    r"rows of one length": "fixed-length sequences",
    r"rows of real lengths": "real-length sequences",
    r"rungs?": "baseline",
    # The tier and the table of that name.
    r"(?<!tier )(?<!findings, )ladders?": "baselines",
    # Sources and records of today keep their own words.
    r"(?<!GeForce )(?<!workstation )cards?(?! without sharding)": "GPU",
    # Of CUDA kernels, which everybody calls so.
    r"(?<!kernel )launch(?:es)?": "repeat",
    r"projected|projections?": "estimated",
    r"perhaps": "borderline",
}
#: All of them.
PLAIN = {
    **GONE,
    r"(?:a|the|this|that|each|every|same|newest|finished|new|another|other) run": "session",
    r"(?:the|these|those|all|several|other|same|newest|finished|any) runs": "sessions",
    r"(?:a|an|one|same|another|other|this|each|every|different|identical) works?": "workload",
    # A method's title, and a source that says how Unsloth worked then.
    r"(?<!expert )(?<!Python )loops?": "trainer",
    r"real[ -]tokens?": "tokens (padding excluded)",
    # As the value of an option: ``--weights``, and where its values are explained.
    r"dummy(?! \()": "random weights",
    r"(?:not|had|un) ?(?:settled|steady)": "did not settle",
    r"(?:lie|lies|lay|further|told|%|\{0\}) apart": "differ",
    r"leads? (?:to|out|inside)": "links to",
    r"(?:is|are) not in it": "is not shown",
    # Cases are held out of a fit: the field's term.
    r"holds?|held(?! out\b)(?! back\b)": "is true, fits, has",
}
#: Addresses, files, options and their values keep the words that results are stored by.
_NAMES = re.compile(
    r"--(?:weights|loop|tier) [\w{.}]+|--\S+|\S*[/_]\S*|\S*\.(?:html|json|jsonl|toml|py|md|svg)\b"
)


def private_words(text: str, words: Mapping[str, str] = PLAIN) -> list[str]:
    """Return each of the private words of a text in its surroundings, with the plain one."""
    text = _NAMES.sub("", " ".join(text.split()))
    found = []
    for word, plain in words.items():
        for match in re.finditer(rf"(?<![-\w])(?:{word})(?![-\w])", text, re.IGNORECASE):
            around = text[max(0, match.start() - 40) : match.end() + 40]
            found.append(f"{match.group()!r}, say {plain!r}: …{around}…")
    return found
