"""What PEFT and Unsloth are told to put adapters on."""

from suite.catalog.method import Adapter
from suite.catalog.model import Model
from suite.catalog.targets import adapted


def module_targets(adapter: Adapter, model: Model) -> list[str]:
    """Return the last part of the names of the linear layers that get an adapter.

    A mixture-of-experts model keeps its experts as fused parameters, not linear layers: see
    ``parameter_targets`` for those.
    """
    shapes = adapted(model.architecture, adapter.targets)
    return [name.rpartition(".")[2] for name, shape in shapes.items() if len(shape) == 2]


def parameter_targets(adapter: Adapter, model: Model) -> list[str] | None:
    """Return the fused expert parameters that get an adapter (PEFT's ``target_parameters``)."""
    shapes = adapted(model.architecture, adapter.targets)
    return [name for name, shape in shapes.items() if len(shape) > 2] or None
