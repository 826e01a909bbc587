"""The addresses of the pages."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.templating import Jinja2Templates

from talktime.service.http.addresses import decode_id
from talktime.service.pages.context import Pages

HERE = Path(__file__).parent

router = APIRouter(include_in_schema=False)
demo_router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(HERE / "templates")


def page(request: Request, name: str, **values: object) -> HTMLResponse:
    """Render the template `name`. `values` are what only this page needs."""
    pages: Pages = getattr(request.app.state, "pages", Pages())
    # A host may mount the service below a path of its own, which the links and the script of the page need.
    root = str(request.scope.get("root_path", ""))
    return templates.TemplateResponse(request, f"{name}.html", {"root": root, "pages": pages, **values})


@router.get("/")
async def landing(request: Request) -> HTMLResponse:
    """The people to play in the demo; under `serve`, a short introduction."""
    return page(request, "landing")


@router.get("/user")
async def user(request: Request) -> HTMLResponse:
    """A user's chats and credit."""
    return page(request, "user")


@router.get("/advisor")
async def advisor(request: Request) -> HTMLResponse:
    """An advisor's chats, the running ones first."""
    return page(request, "advisor")


@router.get("/chat/{chat_id}")
async def chat(request: Request, chat_id: str) -> HTMLResponse:
    """One chat, from either side."""
    return page(request, "chat", chat_id=decode_id(chat_id))


@router.get("/receipts/{record_id}")
async def receipt(request: Request, record_id: str) -> HTMLResponse:
    """The receipt of a record."""
    return page(request, "receipt", record_id=record_id)


@router.get("/operator")
async def operator(request: Request) -> HTMLResponse:
    """The records that are running or paused."""
    return page(request, "operator")


@router.get("/icon.svg")
async def icon() -> Response:
    """The icon of every page."""
    return FileResponse(HERE / "icon.svg", media_type="image/svg+xml")


@demo_router.get("/demo/as/{person}")
async def become(request: Request, person: str) -> HTMLResponse:
    """Get a token for `person`, then show the person's page. Only the demo has this address."""
    return page(request, "become", person=person)
