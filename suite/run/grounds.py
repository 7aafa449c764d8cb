"""The grounds of two sides: this environment for both, or an image, or an image each."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from suite.catalog.profile import Profile
from suite.errors import BadInput, WrongMachine
from suite.run import environment
from suite.run.ground import Ground
from suite.run.index import NotInstallable
from suite.run.overlay import Here
from suite.run.packages import ensure_training
from suite.run.runner import Runner


@contextmanager
def grounds(
    runner: Runner, profile: Profile, images: Sequence[str | None]
) -> Iterator[tuple[Ground, ...]]:
    """Yield one ground a side; ``images`` are named ones, None stands for the profile's.

    Raises BadInput where the profile has none, WrongMachine without an engine or an image,
    NotInstallable where nothing starts in another image than the first side's.
    """
    if runner == "local":
        ensure_training()
        yield (Here(),) * len(images)
        return
    if profile.image is None and None in images:
        raise BadInput(
            f"profile {profile.name!r} names no image",
            hint="Name one for each side, or use --runner local.",
        )
    from suite.run import contained, layered
    from suite.run.containers import image
    from suite.run.containers.engine import connect

    contained.prepare()
    name = profile.image or ""
    with ExitStack() as stack:
        engine = stack.enter_context(connect())
        if profile.device == "cuda":
            engine.need_gpus()
        found: dict[str | None, Ground] = {}
        for wanted in dict.fromkeys(images):
            if wanted is None:
                revision, _, _ = environment.git(environment.ROOT)
                container = image.ensure(engine, name, revision)
            else:
                container = image.named(engine, wanted, name)
            try:
                found[wanted] = stack.enter_context(layered.ground(engine, container, name))
            except NotInstallable as error:
                if wanted != images[0]:
                    raise
                raise WrongMachine(error.message, hint="It must be one of docker/.") from error
        yield tuple(found[wanted] for wanted in images)
