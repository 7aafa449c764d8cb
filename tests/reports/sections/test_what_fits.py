"""What fits which GPU: the smallest GPU that holds a case is said beside what it needs."""

import msgspec

from reports.analysis.dataset import load
from reports.sections.what_fits import needs_and_cards
from reports.text.blocks import Table
from suite.results.record import Record, seal
from support import gpu_records, sites
from support.gpu_records import GIB


def needing(allocated: int) -> Record:
    """One record whose steps took that much of a GPU, and nothing beside it."""
    record = gpu_records.record()
    phases = tuple(
        msgspec.structs.replace(
            phase,
            memory=msgspec.structs.replace(
                phase.memory,
                allocated_peak_bytes=allocated,
                reserved_peak_bytes=allocated,
                nvml_process_peak_bytes=allocated + GIB,
            ),
        )
        for phase in record.phases
    )
    return seal(msgspec.structs.replace(record, phases=phases))


def smallest(*found: Record) -> str:
    (table,) = (
        block
        for block in needs_and_cards(load(sites.collection(*found)))
        if isinstance(block, Table)
    )
    (row,) = table.rows
    return dict(zip(table.header, row.cells, strict=True))["Smallest GPU that fits"]


def test_the_smallest_gpu_is_named_with_its_memory() -> None:
    """12 GiB fit 24 GiB; 40 GiB fit 48 GB and not 32; 400 GiB fit none of the catalog's."""
    assert smallest(needing(12 * GIB)).startswith("GeForce RTX 4090: 24 GiB")
    assert "L40S" in smallest(needing(40 * GIB))
    assert smallest(needing(400 * GIB)) == "none listed"


def test_each_of_several_gpus_holds_what_the_neediest_rank_needed() -> None:
    """Rank 1 peaks at 60 GiB: two GPUs of 80 GB hold that, and estimates are not asked."""
    found = gpu_records.several(kind="fsdp2", peaks=(20 * GIB, 60 * GIB))
    blocks = needs_and_cards(load(sites.collection(gpu_records.record(), found)))
    on_one, on_several = (block for block in blocks if isinstance(block, Table))
    assert len(on_one.rows) == 1
    (row,) = on_several.rows
    cells = dict(zip(on_several.header, row.cells, strict=True))
    assert cells["Each GPU needs"] == "61 GiB", "with the context of the first rank's process"
    assert cells["Smallest GPUs that fit"].startswith("2 × ")
    assert [value for name, value in cells.items() if name.startswith("H100")] == ["fits"]
    assert [value for name, value in cells.items() if "4090" in name] == ["does not fit"]


def test_a_sum_over_gpus_is_not_what_each_of_them_needs() -> None:
    """Of a model split by layers torch's peak is that of all GPUs together."""
    found = gpu_records.several()
    assert found.group is not None
    group = msgspec.structs.replace(found.group, ranks=())
    (table,) = (
        block
        for block in needs_and_cards(
            load(sites.collection(seal(msgspec.structs.replace(found, group=group))))
        )
        if isinstance(block, Table)
    )
    assert "unknown" in table.rows[0].cells
