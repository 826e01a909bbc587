"""How late the digits on a screen are, beside a page that polls, in a real Chromium on four networks.

    talktime bench screen [--minutes M] [--picture FILE] [--json]

Eight pages are open at once, each on a network of its own that a relay simulates, all with one service. How late a
digit is follows from the clock of the machine, which is also the clock of the database. Bytes are counted on the
connection from the tenth second on, with the headers of HTTP, frames and heartbeats. `tests/screen/recording.py` says
when a second is irregular, for the tests as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from _bars import Bar, picture
from _server import temporary_server
from talktime.database.migrate import migrate
from tests.screen.browsers.chromium import chromium
from tests.screen.browsers.tab import Browser
from tests.screen.recording import Recording, quantile
from tests.screen.relay import CONGESTED, LTE, NEAR, SATELLITE, Network
from tests.screen.theatre import Screen, Theatre, theatre

NETWORKS: Final = (NEAR, LTE, CONGESTED, SATELLITE)
DESIGNS: Final = {"poll": "poll every 5 s", "screen": "talktime"}
WARM_UP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one page showed during some hours, and how many bytes the page took."""

    network: str
    design: str
    recording: Recording
    hours: float
    sent_bytes: int

    def document(self) -> dict[str, Any]:
        """A line of the table: errors in milliseconds, all other figures per hour."""
        errors = [abs(ms) for ms in self.recording.errors_ms()]
        readings = [abs(ms) for ms in self.recording.reading_errors_ms()]
        return {
            "network": self.network,
            "design": self.design,
            "digit_p50_ms": round(quantile(errors, 0.5), 1),
            "digit_p95_ms": round(quantile(errors, 0.95), 1),
            "digit_max_ms": round(max(errors), 1),
            "late_p95_ms": round(quantile(self.recording.errors_ms(), 0.95), 1),
            "clock_p95_ms": round(quantile(readings, 0.95), 1),
            "backwards_per_hour": round(len(self.recording.backwards()) / self.hours, 1),
            "irregular_per_hour": round(len(self.recording.irregular()) / self.hours, 1),
            "kilobytes_per_hour": round(self.sent_bytes / 1000 / self.hours, 1),
        }


async def _watch(screens: list[tuple[str, Network, Screen]], minutes: float) -> list[Measurement]:
    await asyncio.sleep(WARM_UP_SECONDS)
    before = [screen.relay.up_bytes + screen.relay.down_bytes for _, _, screen in screens]
    await asyncio.sleep(60 * minutes)
    measurements = []
    for (design, network, screen), earlier in zip(screens, before, strict=True):
        sent = screen.relay.up_bytes + screen.relay.down_bytes - earlier
        recording = await screen.recording()
        measurements.append(Measurement(network.name, DESIGNS[design], recording, minutes / 60, sent))
    return measurements


async def _open(stage: Theatre, browser: Browser) -> list[tuple[str, Network, Screen]]:
    screens = []
    for network in NETWORKS:
        pair = await stage.pair()
        await stage.stand_in(pair)
        for design in DESIGNS:
            screen = await stage.screen(browser, pair, network, page=design)
            await screen.until("rows.some((row) => /^\\d/.test(row[2]))", 60)
            screens.append((design, network, screen))
    return screens


async def _measure(folder: Path, url: str, minutes: float) -> list[Measurement]:
    await migrate(url)
    async with theatre({"usual": url}, folder, {"usual": {}}) as stage, chromium() as browser:
        return await _watch(await _open(stage, browser), minutes)


def _show(documents: list[dict[str, Any]], minutes: float, load: float) -> None:
    title = f"{minutes:g} minutes, all pages at once; load average {load:.1f} on {os.cpu_count()} processors"
    table = Table(box=None, title=title, title_justify="left")
    table.add_column("network")
    table.add_column("design")
    names = {
        "digit_p50_ms": "digit p50 ms",
        "digit_p95_ms": "p95",
        "digit_max_ms": "max",
        "late_p95_ms": "late p95 ms",
        "clock_p95_ms": "clock p95 ms",
        "backwards_per_hour": "back/h",
        "irregular_per_hour": "irregular/h",
        "kilobytes_per_hour": "kB/h",
    }
    for heading in names.values():
        table.add_column(heading, justify="right")
    for line in documents:
        table.add_row(line["network"], line["design"], *(f"{line[name]:,}" for name in names))
    Console(highlight=False, width=120).print(table)


def screen(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long each page is watched.")] = 5,
    picture_file: Annotated[
        Path | None, typer.Option("--picture", help="Draw the 95th percentile of the digits into this SVG file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How late the digits are, how often they run back or are irregular, and how many bytes that takes."""
    with temporary_server() as (_, url), tempfile.TemporaryDirectory(prefix="talktime-bench-") as folder:
        measurements = asyncio.run(_measure(Path(folder), url, minutes))
    load = statistics.mean(os.getloadavg())
    documents = [measurement.document() for measurement in measurements]
    if picture_file is not None:
        bars = [Bar(line["network"], line["design"], line["digit_p95_ms"]) for line in documents]
        title = "How wrong a digit is when it changes: 95 of 100 digits are less wrong (logarithmic)"
        picture_file.write_text(picture(title, "ms", bars), encoding="utf-8")
    if as_json:
        print(json.dumps({"minutes": minutes, "load": round(load, 1), "pages": documents}, indent=2))
    else:
        _show(documents, minutes, load)


if __name__ == "__main__":
    typer.run(screen)
