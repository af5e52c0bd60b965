import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import town  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "sanitized: also run against the build with sanitizers")


@pytest.fixture
def data(tmp_path):
    """A data folder of the test's own. Its parents are made passable, since the roles run as another user."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.owner() == pathlib.Path(tmp_path).owner() and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o111)
    return tmp_path / "data"


@pytest.fixture(scope="session", autouse=True)
def program():
    assert town.PROGRAM.exists(), f"{town.PROGRAM} is not built: ./dev build"


@pytest.fixture
def shared():
    if not town.SHARED.is_dir():
        pytest.skip("the real data beside the checkout is not there")
    return town.SHARED / "data"
