"""The addresses of the pages."""

from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates

from talktime.core.errors import NotFound
from talktime.service.http.problems import make_problem_response, to_refusal
from talktime.service.http.slashed_ids import decode_id
from talktime.service.pages.context import Pages
from talktime.service.pages.language import COOKIE, LANGUAGES, chosen_language, language_of, words, words_text

HERE = Path(__file__).parent

router = APIRouter(include_in_schema=False)
demo_router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(HERE / "templates")

IN_ENGLISH = frozenset({"docs", "landing"})
"""The templates for developers. All others take every word from the dictionaries."""


def page(request: Request, name: str, status: int = HTTPStatus.OK, **values: object) -> HTMLResponse:
    """Render the template `name`. `values` are what only this page needs."""
    pages: Pages = getattr(request.app.state, "pages", Pages())
    # A host may mount the service below a path of its own, which the links and the script of the page need.
    root = str(request.scope.get("root_path", ""))
    language = LANGUAGES[0] if name in IN_ENGLISH else language_of(request)
    for_operators = name.startswith("operator")
    context = {
        "language": language,
        "words": words(language, for_operators=for_operators),
        "words_text": words_text(language, for_operators=for_operators),
    }
    answer = templates.TemplateResponse(
        request, f"{name}.html", {"root": root, "pages": pages, **context, **values}, status
    )
    answer.headers["Vary"] = "Accept-Language, Cookie"
    if chosen := chosen_language(request):
        answer.set_cookie(COOKIE, chosen, path=f"{root}/", httponly=True, samesite="lax")
    return answer


async def answer_missing(request: Request, error: Exception) -> Response:
    """The answer for an address that does not exist: a page for a browser, a problem document for any other client."""
    if "text/html" not in request.headers.get("accept", ""):
        return make_problem_response(to_refusal(error))
    request.scope.setdefault("state", {})["refusal"] = NotFound.code
    return page(request, "missing", HTTPStatus.NOT_FOUND)


@router.get("/")
async def landing(request: Request) -> HTMLResponse:
    """The people to play in the demo; under `serve`, a short introduction."""
    return page(request, "landing")


@router.get("/user")
async def user(request: Request) -> HTMLResponse:
    """A user's chats and credit."""
    return page(request, "user")


@router.get("/account")
async def account(request: Request) -> HTMLResponse:
    """A user's receipts, and everything that came and went on the account."""
    return page(request, "account")


@router.get("/advisor")
async def advisor(request: Request) -> HTMLResponse:
    """An advisor's chats, the running ones first."""
    return page(request, "advisor")


@router.get("/advisor/statement")
async def statement(request: Request) -> HTMLResponse:
    """An advisor's statement of a month."""
    return page(request, "statement")


@router.get("/earnings")
async def earnings(request: Request) -> RedirectResponse:
    """The earlier address of an advisor's statement."""
    root = request.scope.get("root_path", "")
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{root}/advisor/statement{query}", HTTPStatus.PERMANENT_REDIRECT)


@router.get("/chat/{chat_id}")
async def chat(request: Request, chat_id: str) -> HTMLResponse:
    """One chat, from either side."""
    return page(request, "chat", chat_id=decode_id(chat_id))


@router.get("/receipts/{record_id}")
async def receipt(request: Request, record_id: str) -> HTMLResponse:
    """The receipt of a record."""
    return page(request, "receipt", record_id=decode_id(record_id))


@router.get("/operator")
async def operator(request: Request) -> HTMLResponse:
    """The records that are running or paused."""
    return page(request, "operator")


@router.get("/operator/find")
async def operator_find(request: Request) -> HTMLResponse:
    """Where an operator finds people, records and entries."""
    return page(request, "operator-find")


@router.get("/operator/users/{user_id}")
async def operator_user(request: Request, user_id: str) -> HTMLResponse:
    """A user for operators: the account, records, entries, and what may be done with the credit."""
    return page(request, "operator-user", user_id=decode_id(user_id))


@router.get("/operator/advisors/{advisor_id}")
async def operator_advisor(request: Request, advisor_id: str) -> HTMLResponse:
    """An advisor for operators: the terms, the statement of a month, records."""
    return page(request, "operator-advisor", advisor_id=decode_id(advisor_id))


@router.get("/operator/books")
async def operator_books(request: Request) -> HTMLResponse:
    """The books of a month, and what the auditor has found."""
    return page(request, "operator-books")


@router.get("/sign-in")
async def sign_in(request: Request) -> HTMLResponse:
    """Signs in with a link. The code of the link stands behind `#` and does not reach the service before the script."""
    return page(request, "sign-in")


@router.get("/icon.svg")
async def icon() -> Response:
    """The icon of every page."""
    return FileResponse(HERE / "icon.svg", media_type="image/svg+xml")


@demo_router.get("/demo/as/{person}")
async def become(request: Request, person: str) -> HTMLResponse:
    """Get a token for `person`, then show the person's page. Only the demo has this address."""
    return page(request, "become", person=person)
