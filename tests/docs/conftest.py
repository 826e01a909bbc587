"""The site, built once for all tests that look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.docsite.__main__ import build_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site. A warning of the site generator fails every test that asks for the site."""
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder
