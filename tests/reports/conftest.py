"""One browser for all tests of pages."""

from collections.abc import Iterator

import pytest

from support import browsers


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browsers.Browser]:
    driver = browsers.start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()
