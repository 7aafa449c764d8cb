"""Cases that nobody measured: the standard tier's, with another workload."""

from suite.catalog import case as cases
from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import tier as tiers
from suite.catalog.case import Case
from suite.catalog.tier import Workload


def case(model: str, method: str, tokens: int = 2048, rows: int = 2) -> Case:
    workload = Workload(sequence_tokens=tokens, batch_sequences=rows)
    return cases.make(
        tiers.load("standard"),
        models.load(model),
        methods.load(method),
        workload,
        None,
        "sft",
        17,
    )
