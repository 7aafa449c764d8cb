"""The environments of two sides: this one for both, or an image, or an image each."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from suite.catalog.profile import Profile
from suite.errors import BadInput, WrongMachine
from suite.paths import ROOT
from suite.results.record import Runner
from suite.run.machine import environment
from suite.run.upgrade.local import LocalEnvironment
from suite.run.upgrade.package_index import NotInstallable
from suite.run.upgrade.target_environment import TargetEnvironment
from suite.setup.packages import ensure_training


@contextmanager
def target_environments(
    runner: Runner, profile: Profile, images: Sequence[str | None]
) -> Iterator[tuple[TargetEnvironment, ...]]:
    """Yield one environment a side; ``images`` are named ones, None stands for the profile's.

    Raises BadInput where the profile has none, WrongMachine without an engine or an image,
    NotInstallable where nothing starts in another image than the first side's.
    """
    if runner == "local":
        ensure_training()
        yield (LocalEnvironment(),) * len(images)
        return
    if profile.image is None and None in images:
        raise BadInput(
            f"profile {profile.name!r} names no image",
            hint="Name one for each side, or use --runner local.",
        )
    from suite.run.containers import image, launches
    from suite.run.containers.engine import connect
    from suite.run.upgrade import patched_image

    launches.prepare()
    name = profile.image or ""
    with ExitStack() as stack:
        engine = stack.enter_context(connect())
        if profile.has_gpu:
            engine.need_gpus()
        found: dict[str | None, TargetEnvironment] = {}
        for wanted in dict.fromkeys(images):
            if wanted is None:
                revision, _, _ = environment.git(ROOT)
                container = image.ensure(engine, name, revision)
            else:
                container = image.named(engine, wanted, name)
            try:
                found[wanted] = stack.enter_context(
                    patched_image.image_environment(engine, container, name)
                )
            except NotInstallable as error:
                if wanted != images[0]:
                    raise
                raise WrongMachine(error.message, hint="It must be one of docker/.") from error
        yield tuple(found[wanted] for wanted in images)
