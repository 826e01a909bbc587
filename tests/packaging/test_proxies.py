"""The configurations of nginx and Caddy in `deploy`: real proxies with TLS, at a name of their own and below a path."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from websockets.typing import Origin

from scripts.docsite.pages import ROOT
from talktime.asgi import create_app
from talktime.database.pool import Pool
from tests.databases import as_service
from tests.services import START_SECONDS_MAX, Live, Service, running, settings_for

DEPLOY = ROOT / "deploy"
PAGES = ("/", "/docs", "/user", "/advisor", "/chat/1", "/operator", "/sign-in")
NODE = "127.0.0.1:8700"

MAIN = """
daemon off;
{user}
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    types {{ text/html html; }}
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include {site};
}}
"""


@dataclass(frozen=True)
class Site:
    """What a browser calls: an address with TLS, a path, and whom the browser trusts."""

    origin: str
    prefix: str
    trust: ssl.SSLContext

    @property
    def address(self) -> str:
        return self.origin + self.prefix


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "cert.pem", folder / "cert.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-out", files[0], "-keyout", files[1], "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return files


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def replaced(text: str, replacements: dict[str, str]) -> str:
    """The configuration with other addresses, and nothing else changed."""
    for before, after in replacements.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


@contextmanager
def program(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """A proxy that answers on the port."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (
        (folder / "proxy.log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            for _ in range(START_SECONDS_MAX * 20):
                assert process.poll() is None, (folder / "proxy.log").read_text()
                with socket.socket() as one:
                    if one.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(START_SECONDS_MAX)


@contextmanager
def nginx(file: str, node: str, folder: Path, certificate: tuple[Path, Path], name: str) -> Iterator[int]:
    port = free_port()
    site = replaced(
        (DEPLOY / "nginx" / file).read_text(),
        {
            NODE: node,
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            f"/etc/ssl/{name}.pem": str(certificate[0]),
            f"/etc/ssl/{name}.key": str(certificate[1]),
        },
    )
    (folder / "site.conf").write_text(site)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(user=user, site=folder / "site.conf"))
    with program(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"], folder, port):
        yield port


@contextmanager
def caddy(file: str, node: str, folder: Path, certificate: tuple[Path, Path], name: str) -> Iterator[int]:
    port = free_port()
    site = replaced(
        (DEPLOY / "caddy" / file).read_text(),
        {NODE: node, f"{name} {{": f"https://127.0.0.1:{port} {{\n\ttls {certificate[0]} {certificate[1]}"},
    )
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}")
    with program(["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")], folder, port):
        yield port


@asynccontextmanager
async def behind(
    proxy: Any, below: str, database_url: str, folder: Path, certificate: tuple[Path, Path]
) -> AsyncIterator[tuple[Service, Site, httpx.AsyncClient]]:
    """A service behind a proxy, and a browser's view of it."""
    suffix = "-below-a-path" if below else ""
    name = "shop.example" if below else "talk.example"
    ending = {"nginx": "conf", "caddy": "Caddyfile"}[proxy.__wrapped__.__name__]
    trust = ssl.create_default_context(cafile=certificate[0])
    async with running(create_app, settings_for(as_service(database_url), folder)) as service:
        node = service.address.removeprefix("http://")
        with proxy(f"talktime{suffix}.{ending}", node, folder, certificate, name) as port:
            site = Site(f"https://127.0.0.1:{port}", below, trust)
            async with httpx.AsyncClient(verify=trust, timeout=30) as client:
                yield service, site, client


async def links_of(client: httpx.AsyncClient, address: str) -> list[str]:
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    return re.findall(r'(?:href|src)="(/[^"]*)"', answer.text)


@pytest.mark.parametrize("below", ["", "/talktime"], ids=["at a name", "below a path"])
@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
async def test_everything_works_behind_the_proxy(
    proxy: Any, below: str, database_url: str, database: Pool, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    async with behind(proxy, below, database_url, tmp_path, certificate) as (service, site, client):
        await service.people()
        for page in PAGES:
            for link in await links_of(client, site.address + page):
                assert link.startswith(f"{site.prefix}/"), (page, link)
                assert (await client.get(site.origin + link)).status_code == 200, link
        assert (await client.get(f"{site.address}/metrics")).status_code == 404

        signed = {"Authorization": f"Bearer {service.token('service')}"}
        created = await client.put(f"{site.address}/v1/users/a%2Fb", json={"display_name": "A"}, headers=signed)
        assert created.status_code == 201, created.text
        assert await database.fetchval("select count(*) from accounts where user_id = 'a/b'") == 1
        first = await client.get(f"{site.address}/v1/users?limit=1", headers=signed)
        following = first.links["next"]["url"]
        assert following.startswith(f"{site.prefix}/v1/users?")
        assert (await client.get(site.origin + following, headers=signed)).status_code == 200
        signing_in = await client.post(
            f"{site.address}/v1/links",
            json={"role": "operator", "subject": "olga"},
            headers={**signed, "Idempotency-Key": "1"},
        )
        assert signing_in.json()["address"].startswith(f"{site.address}/sign-in#"), signing_in.text
        assert (await links_of(client, signing_in.json()["address"])) != []

        live_address = site.address.replace("https", "wss") + "/v1/live"
        async with websockets.connect(live_address, ssl=site.trust, origin=Origin(site.origin)) as socket:
            live = Live(socket)
            await live.say("hello", token=service.token("user:alice"))
            await live.say("ping", c0=1)
            await live.hear("pong")
        async with websockets.connect(live_address, ssl=site.trust, origin=Origin("https://evil.example")) as socket:
            assert await Live(socket).close_code() == 4403


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
async def test_no_client_tells_the_service_its_path(
    proxy: Any, database_url: str, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    async with behind(proxy, "", database_url, tmp_path, certificate) as (_, site, client):
        page = await client.get(f"{site.address}/user", headers={"X-Forwarded-Prefix": "/elsewhere"})
        assert 'data-root=""' in page.text


async def test_the_proxy_of_the_containers_leaves_out_a_node_that_is_gone(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        async with running(create_app, settings_for(as_service(database_url), tmp_path)) as stays:
            async with running(create_app, settings_for(as_service(database_url), tmp_path)) as leaves:
                file = replaced(
                    (DEPLOY / "caddy" / "compose.Caddyfile").read_text(),
                    {
                        ":8080 {": f"http://127.0.0.1:{port} {{",
                        "node-1:8700": stays.address.removeprefix("http://"),
                        "node-2:8700": leaves.address.removeprefix("http://"),
                    },
                )
                (tmp_path / "Caddyfile").write_text(f"{{\n\tadmin off\n}}\n{file}")
                command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
                stack.enter_context(program(command, tmp_path, port))
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                # As many that no luck explains them: without a check, every second one would fail.
                async with asyncio.timeout(START_SECONDS_MAX):
                    while [(await client.get("/readyz")).status_code for _ in range(24)] != [200] * 24:
                        await asyncio.sleep(0.1)
                assert (await client.get("/metrics")).status_code == 404
