"""All arguments of a trainer and of its adapters, as the libraries filled them in.

What the suite does not name stays at a library's default. A default that another version changed
is then named in a comparison, where it would only show as another time or another loss.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

Value = str | int | float | bool | None

MOST = 400  #: arguments of one object; transformers has 112, TRL some 40 more
LONGEST = 200  #: characters of a value
_LARGEST = 1e15  #: of numbers; larger ones are written as text
#: Folders, names and accounts of whoever trains, and what is only reported.
_PRIVATE = {
    *("base_model_name_or_path", "chat_template_path", "deepspeed", "local_rank", "logging_dir"),
    *("output_dir", "peft_version", "project", "resume_from_checkpoint", "revision", "run_name"),
}
_PRIVATE_STARTS = ("hub_", "push_to_hub_t", "trackio_", "log_level")


def of(trainer: Any, model: Any) -> dict[str, Value]:
    """Return the arguments of a trainer, and of the adapters that its model has, by name.

    Names begin with "trainer." or "adapter."; a value in a dictionary has its keys behind that.
    """
    found = dict(_flat("trainer", trainer.to_dict()))
    for config in getattr(model, "peft_config", {}).values():
        found |= _flat("adapter", config.to_dict())
    return found


def _flat(prefix: str, values: Mapping[Any, Any]) -> Iterator[tuple[str, Value]]:
    for key, value in sorted(values.items(), key=lambda item: str(item[0]))[:MOST]:
        name = str(key)
        if name in _PRIVATE or name.startswith(_PRIVATE_STARTS):
            continue
        if isinstance(value, Mapping) and value:
            yield from _flat(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", _value(value)


def _value(value: object) -> Value:
    """Return a value as a record can hold it; of what is no text or number, its class."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) < _LARGEST:
        return value
    if isinstance(value, int | float | str):
        text = str(value)
        return "a path" if text.startswith(("/", "~")) or "://" in text else text[:LONGEST]
    if isinstance(value, set | frozenset):
        return ", ".join(sorted(map(str, value)))[:LONGEST]
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))[:LONGEST]
    return "none" if isinstance(value, Mapping) else type(value).__qualname__
