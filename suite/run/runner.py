"""In a container or in this very environment: what ``--runner auto`` comes to, and why."""

from typing import get_args

from suite.catalog.profile import Profile
from suite.errors import BadInput, WrongMachine
from suite.results.record import Runner

#: What may be asked for; "auto" comes to one of the others.
ASKED = ("auto", *sorted(get_args(Runner)))


def choose(asked: str, profile: Profile) -> tuple[Runner, str]:
    """Return the runner and why it is that one; empty where it was asked for.

    Raises BadInput where the profile has no image for ``docker``, and WrongMachine where an engine
    answers that cannot give a container the profile's GPU.
    """
    if asked == "local":
        return "local", ""
    if profile.image is None:
        if asked == "docker":
            raise BadInput(
                f"profile {profile.name!r} names no image", hint="Add one, or use --runner local."
            )
        return "local", f"profile {profile.name} names no image"
    if asked == "docker":
        return "docker", ""
    from suite.run.containers import image
    from suite.run.containers.engine import PROBE_SECONDS, connect, no_toolkit

    if not image.exists(profile.image):
        return "local", f"there is no docker/{profile.image}"
    try:
        with connect(seconds=PROBE_SECONDS) as engine:
            where, gives_gpus = engine.address, engine.gives_gpus
            if profile.has_gpu:
                engine.need_gpus()
    except WrongMachine as error:
        return "local", error.message
    if profile.has_gpu and gives_gpus is False:
        raise no_toolkit()  # before an image is made, and not measured elsewhere without a word
    return "docker", f"an engine answers at {where}, and profile {profile.name} names an image"


def known_machine(profile: str) -> None:
    """Refuse "auto" where the engine is elsewhere: this machine's GPU is not the one in use."""
    from suite.run.containers.engine import address

    where = address()
    if profile == "auto" and not where.startswith("unix://"):
        raise BadInput(
            f"the Docker engine is on another machine ({where}), whose GPU cannot be seen here",
            hint="Give its --profile NAME, or measure here: --runner local.",
        )
