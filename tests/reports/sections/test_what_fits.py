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
