"""How much one call reads, over all its inputs: files of strangers have no say in it.

What ``record.encode`` wrote is read wherever it lies, so no rubbish before a good record can hide
it. Everything else is dearer to read, and what it may cost is limited in all.
"""

from suite.results.plan import MOST_RECORDS

#: Problems that are named one by one; the others are counted.
MOST_NAMED = 200
#: Bytes and documents that were not as ``record.encode`` writes them, or could not be used.
MOST_ODD_BYTES = 512 << 20
MOST_ODD_DOCUMENTS = 2_000_000
#: Bytes of records, telemetry aside, and of plans that are kept; records of the published kind
#: have some 20 kB.
MOST_KEPT_BYTES = 2 << 30
MOST_KEPT_RECORDS = 2 * MOST_RECORDS
#: Records that all plans together may set out to make: what is missing of them is listed.
MOST_PLANNED = 2 * MOST_RECORDS
MOST_FILES = 100_000
MOST_READ_BYTES = 32 << 30


class Budget:
    """What is left of the limits. Each method takes something and returns whether it was there."""

    def __init__(self) -> None:
        self._odd_bytes, self._odd_documents = MOST_ODD_BYTES, MOST_ODD_DOCUMENTS
        self._kept_bytes, self._kept_records = MOST_KEPT_BYTES, MOST_KEPT_RECORDS
        self._planned, self._files = MOST_PLANNED, MOST_FILES
        self._read_bytes = MOST_READ_BYTES

    @property
    def looks_closely(self) -> bool:
        """Return whether a document that is not as tunebench writes it may still be read."""
        return self._odd_bytes > 0 and self._odd_documents > 0

    def odd(self, size: int) -> None:
        """Take one document of so many bytes that was dear to read, or of no use."""
        self._odd_bytes -= size
        self._odd_documents -= 1

    def keeps(self, size: int) -> bool:
        """Take one record or plan of so many bytes in memory."""
        self._kept_bytes -= size
        self._kept_records -= 1
        return self._kept_bytes >= 0 and self._kept_records >= 0

    def plans(self, records: int) -> bool:
        """Take a plan of so many records; one that does not fit takes nothing."""
        if records > self._planned:
            return False
        self._planned -= records
        return True

    def opens(self) -> bool:
        """Take one file."""
        self._files -= 1
        return self._files >= 0

    def reads(self, size: int) -> bool:
        """Take so many bytes of files."""
        self._read_bytes -= size
        return self._read_bytes >= 0


ODD_SPENT = (
    f"not as tunebench writes it, and {MOST_ODD_BYTES >> 20} MiB or {MOST_ODD_DOCUMENTS:,} lines"
    " of that kind were read before it"
)
KEPT_SPENT = (
    f"left out: records of {MOST_KEPT_BYTES >> 30} GiB, or {MOST_KEPT_RECORDS:,} of them, were"
    " read before; give fewer at once"
)
PLANNED_SPENT = (
    f"with the plans read before it, more than {MOST_PLANNED:,} records are planned; this plan is"
    " left out, its records are used"
)
FILES_SPENT = f"more than {MOST_FILES:,} files: the rest is not looked at; give fewer at once"
READ_SPENT = f"not read to its end: {MOST_READ_BYTES >> 30} GiB were read before"
