"""Builds the documents as a site: `python -m scripts.docsite [FOLDER]`, or `make docs`.

The pages are put together in a temporary folder first (see `pages`), so the site generator sees plain Markdown and
nothing else. A warning of the site generator, such as a link that leads nowhere, is an error.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

from scripts.docsite.http_reference import write_openapi
from scripts.docsite.pages import ROOT, write_pages

os.environ["NO_MKDOCS_2_WARNING"] = "true"  # the lock file keeps MkDocs 1

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort


def build_site(folder: Path) -> None:
    """Build the site into `folder`, which is emptied first.

    Raises:
        Abort: when the site generator warned of something.
        BrokenLink: when a page links to something that is no file.
    """
    with tempfile.TemporaryDirectory(prefix="talktime-site-") as pages:
        write_pages(Path(pages))
        write_openapi(Path(pages) / "reference")
        config = load_config(str(ROOT / "mkdocs.yml"), docs_dir=pages, site_dir=str(folder), strict=True)
        build(config)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    try:
        build_site(target.resolve())
    except Abort as error:
        sys.exit(str(error))
    print(f"Built: {target / 'index.html'}")
