"""What the pages are before any script runs."""

import re

import httpx
import pytest
from fastapi import FastAPI

from talktime.service.http.slashed_ids import EncodedSlashes
from talktime.service.pages import Pages, Person, demo_router, router

ADDRESSES = [
    "/",
    "/user",
    "/advisor",
    "/chat/a%2Fb",
    "/receipts/r",
    "/account",
    "/operator",
    "/operator/find",
    "/operator/users/a%2Fb",
    "/operator/advisors/a%2Fb",
    "/operator/books",
    "/advisor/statement",
    "/sign-in",
    "/demo/as/ada",
]
ADA = Person("ada", "Ada", "user", "asks <questions>")


async def html(address: str, pages: Pages, *, root: str = "", headers: dict[str, str] | None = None) -> str:
    """The page at `address` of a service mounted at `root`."""
    app = FastAPI()
    app.state.pages = pages
    app.add_middleware(EncodedSlashes)  # as the service does, so that an id may hold a slash
    app.router.routes.extend(router.routes)
    app.router.routes.extend(demo_router.routes)
    transport = httpx.ASGITransport(app, root_path=root)
    async with httpx.AsyncClient(transport=transport, base_url="http://talktime.example") as client:
        answer = await client.get(root + address, headers=headers)
    assert answer.is_success
    return answer.text


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_page_needs_anything_inline_or_from_outside(address: str) -> None:
    text = await html(address, Pages(people=[ADA]))
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"""(?:src|href)="(?:https?:)?//""", text)


async def test_the_demo_offers_its_people_and_escapes_them() -> None:
    text = await html("/", Pages(people=[ADA]))
    assert 'href="/demo/as/ada"' in text
    assert "asks &lt;questions&gt;" in text


async def test_without_a_demo_the_landing_leads_to_the_interface_and_names_nobody() -> None:
    text = await html("/", Pages())
    assert 'href="/docs"' in text
    assert "/demo/" not in text


async def test_links_and_files_stay_below_the_root_of_a_mounted_service() -> None:
    text = await html("/", Pages(people=[ADA]), root="/below")
    assert set(re.findall(r'(?:src|href)="(/[^/"]*)', text)) == {"/below"}
    assert 'data-root="/below"' in text


async def test_an_id_with_a_slash_is_handed_to_the_script_whole() -> None:
    assert 'data-chat="a/b"' in await html("/chat/a%2Fb", Pages())


async def test_the_top_up_address_of_a_host_reaches_the_page() -> None:
    text = await html("/user", Pages(topup_url="https://shop.example/credits?from=chat&to=me"))
    assert 'data-topup="https://shop.example/credits?from=chat&amp;to=me"' in text


async def test_the_seller_and_the_currency_reach_the_page() -> None:
    text = await html("/receipts/r", Pages(seller="A & B", currency="EUR"))
    assert 'data-seller="A &amp; B"' in text
    assert 'data-currency="EUR"' in text
    assert "data-currency" not in await html("/receipts/r", Pages())


async def test_a_tab_that_is_somebody_reads_the_same_page_as_one_that_is_nobody() -> None:
    somebody = {"authorization": "Bearer x", "cookie": "a=b"}
    assert await html("/user", Pages()) == await html("/user", Pages(), headers=somebody)
