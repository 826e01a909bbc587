"""What building the package does besides: it refuses to build without the browser client, and it makes the links."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

# The build of the client empties its folder first, and writes this file last.
CLIENT: Final = "src/talktime/service/pages/static/talktime.js"


class ClientIsBuilt(BuildHookInterface[Any]):
    """Refuses a package without the built client: every page of its service would be blank."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  as hatchling calls it
        """Runs before a build; `version` is `editable` for an installation that stays in the checkout."""
        if version != "editable" and not (Path(self.root) / CLIENT).is_file():
            self.app.abort(f"The browser client is not built: there is no {CLIENT}. To build it, run: make setup")


class Links(MetadataHookInterface):
    """Makes `project.urls` from the one address in `tool.hatch.metadata.hooks.custom`; none while there is none."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds the links to the metadata."""
        repository = self.config["repository"]
        metadata["urls"] = (
            {
                "Homepage": repository,
                "Repository": repository,
                "Documentation": f"{repository}/tree/main/docs",
                "Changelog": f"{repository}/blob/main/CHANGELOG.md",
                "Issues": f"{repository}/issues",
            }
            if repository
            else {}
        )
