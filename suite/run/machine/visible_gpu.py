"""Which GPUs ``CUDA_VISIBLE_DEVICES`` means, by index or by UUID, as CUDA reads it.

CUDA takes the beginning of a UUID as well; NVML does not, so that is looked for here.
"""

from collections.abc import Iterator
from typing import Any

from suite.run.machine.no_gpu import Missing, is_broken, not_answering

VARIABLE = "CUDA_VISIBLE_DEVICES"
FORMS = "Give nvidia-smi's index of a GPU, or its UUID (nvidia-smi -L): GPU-… or MIG-…."
MORE = "Name as many GPUs there, or unset it."
HIDDEN = ("", "-1", "none", "void", "NoDevFiles")
INDEX_DIGITS = 4  #: NVML would wrap a larger number around, to another card
FEWEST_CHARACTERS = len("GPU-") + 1


def handle(nvml: Any, told: str | None, number: int = 0) -> Any | Missing:
    """Return NVML's handle of a GPU that the variable means; None is that it is not set.

    The first of them is number 0, which is the one where a case trains on one GPU.

    Returns Missing where it hides every GPU, means none or could mean several. Raises what NVML
    raises for a broken card.
    """
    if told is None:
        count = nvml.nvmlDeviceGetCount() if number else 1
        if number >= count:
            return Missing(reason=f"this machine shows {count} of the {number + 1} GPUs asked for")
        return nvml.nvmlDeviceGetHandleByIndex(number)
    listed = told.split(",")
    if number >= len(listed):
        return _missing(told, f"{len(listed)} of the {number + 1} GPUs asked for", MORE)
    wanted = listed[number].strip()
    if wanted in HIDDEN:
        return _missing(told, "no GPU is visible", "Unset it to measure the GPU.")
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= INDEX_DIGITS:
        try:
            return nvml.nvmlDeviceGetHandleByIndex(int(wanted))
        except nvml.NVMLError as error:
            if is_broken(error):
                raise
            return _missing(told, f"this machine has no GPU of that index: {error}", FORMS)
    if wanted.startswith(("GPU-", "MIG-")):
        return _by_uuid(nvml, told, wanted)
    return _missing(told, "neither an index nor a UUID", FORMS)


def _by_uuid(nvml: Any, told: str, wanted: str) -> Any | Missing:
    try:
        return nvml.nvmlDeviceGetHandleByUUID(wanted)
    except nvml.NVMLError as error:
        if is_broken(error):
            raise
    found = []
    if len(wanted) >= FEWEST_CHARACTERS:
        found = [one for uuid, one in _all(nvml) if uuid.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        words = f"ambiguous: {len(found)} GPUs of this machine begin with it"
        return _missing(told, words, FORMS)
    return _missing(told, "this machine has no GPU of that UUID", FORMS)


def _all(nvml: Any) -> Iterator[tuple[str, Any]]:
    """Yield each GPU and each slice of one that answers, with its UUID."""
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            card = nvml.nvmlDeviceGetHandleByIndex(index)
            yield nvml.nvmlDeviceGetUUID(card), card
            yield from slices(nvml, card)
        except nvml.NVMLError:
            continue  # a neighbour that is lost


def slices(nvml: Any, card: Any) -> list[tuple[str, Any]]:
    """Return UUID and handle of each MIG slice of a card; none where it has none, or says none."""
    found = []
    try:
        most = nvml.nvmlDeviceGetMaxMigDeviceCount(card)
    except nvml.NVMLError:
        return []
    for index in range(most):
        try:
            one = nvml.nvmlDeviceGetMigDeviceHandleByIndex(card, index)
            uuid = nvml.nvmlDeviceGetUUID(one)
        except nvml.NVMLError:
            continue  # a place without a slice
        if uuid.startswith("MIG-"):
            found.append((uuid, one))
    return found


def _missing(told: str, why: str, hint: str) -> Missing:
    return Missing(reason=f"{VARIABLE} is {told!r}: {why}", hint=hint)


def lost(nvml: Any, one: Any, name: str) -> Missing | None:
    """Return why a GPU that was found cannot be measured: it, or its driver, is broken."""
    for question in (
        nvml.nvmlDeviceGetMemoryInfo,
        nvml.nvmlDeviceGetTemperature,
        nvml.nvmlDeviceGetPowerUsage,
    ):
        more = (nvml.NVML_TEMPERATURE_GPU,) if question is nvml.nvmlDeviceGetTemperature else ()
        try:
            question(one, *more)
        except nvml.NVMLError as error:
            if is_broken(error):
                return not_answering(name, error)
    return None
