"""The tiers' cases together."""

from suite.catalog import case as cases
from suite.catalog import tier as tiers


def test_an_id_means_the_same_work_in_every_tier() -> None:
    """Records of different tiers can be compared by their case id."""
    found: dict[str, object] = {}
    for name in tiers.names():
        for case in cases.cases(tiers.load(name), loop="sft", seed=0):
            work = case.model, case.method, case.workload
            assert found.setdefault(case.case_id, work) == work, f"{case.case_id} of {name}"


def test_every_length_of_a_sweep_is_the_same_number_of_tokens() -> None:
    """Otherwise its points would differ in more than the length."""
    for name in ("sweep", "sweep-32b"):
        made = cases.cases(tiers.load(name), loop="sft", seed=0)
        tokens = {c.workload.sequence_tokens * c.workload.batch_sequences for c in made}
        assert len(tokens) == 1
        assert len({c.workload.sequence_tokens for c in made}) > 1
