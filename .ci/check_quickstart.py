"""Is what ``quickstart`` left behind what it promises? Exit code 1 and a list if not."""

import sys
from collections import Counter
from pathlib import Path

from suite.catalog.case import unsupported_reason
from suite.results.storage.reader import read
from suite.results.validity.parity import References

LEAST_MODELS, LEAST_METHODS = 2, 5


def complaints(folder: Path) -> list[str]:
    """Return what is wrong with the run and the site in a folder."""
    collection = read([folder])
    found = [f"problem: {problem}" for problem in collection.problems]
    found += [f"no record of {case.case_id}" for _, _, case in collection.missing()]
    references = References(collection.records)
    trained = Counter[str]()
    agreeing = set()
    for record in collection.records:
        expected = "ok" if unsupported_reason(record.case) is None else "unsupported"
        if record.outcome != expected:
            found.append(f"{record.case_id}: {record.outcome}, not {expected}: {record.reason}")
        if record.outcome == "ok":
            trained[record.model] += 1
        parity = references.parity(record)
        print(f"{record.case_id:32} {record.outcome:12} losses: {parity.verdict}")
        if parity.verdict == "differs":
            found.append(f"{record.case_id}: losses differ: {parity.reason}")
        if parity.verdict == "agrees":
            agreeing.add((record.model, record.method))
    missing = {(model, "unsloth-lora") for model in trained} - agreeing
    found += [f"{model}: losses of {method} agree with nothing" for model, method in missing]
    if sum(count >= LEAST_METHODS for count in trained.values()) < LEAST_MODELS:
        found.append(f"fewer than {LEAST_MODELS} models x {LEAST_METHODS} methods: {trained}")
    engines = {record.engine for record in collection.records if record.outcome == "ok"}
    if engines != {"transformers", "unsloth"}:
        found.append(f"engines that trained: {engines}")
    if not any(record.outcome == "ok" and record.case.method.quantization
               for record in collection.records):  # fmt: skip
        found.append("nothing was trained in 4 bits")
    page = folder / "site" / "index.html"
    if not page.is_file() or "</html>" not in page.read_text(encoding="utf-8"):
        found.append(f"no whole {page}")
    return found


if __name__ == "__main__":
    wrong = complaints(Path(sys.argv[1]))
    print("\n".join(wrong) or "quickstart's output is as promised")
    sys.exit(1 if wrong else 0)
