"""The page as people use it: in Chromium, over an application that is really served."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from server.app import create_app
from server.keys import read_keys
from server.settings import ServerSettings
from tests.browser import chromium, serious, served, visited
from tests.fakes import OverlapReranker, make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI
    from playwright.sync_api import Browser, Locator, Page

    from engine.types import Scores

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HOSTILE = '<img src=x onerror="document.title=1"> & <script>document.title=2</script> rabbits'
DOCUMENTS = {
    "zoo/cats.md": "cats purr at night\n\U0001f431\U0001f431 cats sleep by day in the sun\n",
    "zoo/dogs.txt": "dogs bark at night and cats do not\n",
    "zoo/old/birds.md": "birds sing by day\n" * 60 + "owls hunt at night\n" + "a nest\n" * 60,
    "kitchen/bread.md": "bread needs flour, salt and a night of rest\n",
    "kitchen/a & b #1?.txt": f"{HOSTILE}\n",
}
PHONE = {"viewport": {"width": 320, "height": 700}, "has_touch": True, "is_mobile": True}


class Visit(Protocol):
    """Serves an application and opens its page, until the test ends."""

    def __call__(self, app: FastAPI | None = None, path: str = "", **context: Any) -> Page: ...  # noqa: ANN401


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    with served(create_app(lambda: make_engine(DOCUMENTS))) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, home: str) -> Iterator[Visit]:
    with ExitStack() as stack:

        def visit(app: FastAPI | None = None, path: str = "", **context: Any) -> Page:  # noqa: ANN401
            url = stack.enter_context(served(app)) if app else home
            return stack.enter_context(visited(browser, url, path, **context))

        yield visit


def expect(found: Locator) -> Any:  # noqa: ANN401 - it is imported only where it is installed
    from playwright.sync_api import expect as playwrights

    return playwrights(found)


def ask(page: Page, query: str) -> None:
    """Type a query, letter by letter, and wait until the order of both stages stands."""
    page.locator("#query").fill("")
    page.locator("#query").press_sequentially(query, delay=5)
    settled(page)


def settled(page: Page) -> None:
    expect(page.locator("#summary")).to_contain_text(re.compile(r", (not )?reranked"))
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")


def titles(page: Page) -> list[str]:
    return page.locator("#results .title").all_inner_texts()


def places(page: Page) -> list[str]:
    return page.locator("#results .place").all_inner_texts()


@dataclass(frozen=True)
class Held(OverlapReranker):
    """Reads nothing before it is let go."""

    go: threading.Event = field(default_factory=threading.Event)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        assert self.go.wait(60)
        return super().score(pairs)


def test_stage_one_is_there_at_once_and_the_reranked_order_slides_in(visit: Visit) -> None:
    reranker = Held()
    page = visit(create_app(lambda: make_engine(DOCUMENTS, reranker=reranker)))
    assert page.locator("#query").evaluate("box => box === document.activeElement")
    page.locator("#query").press_sequentially("cats that sleep by day in the su", delay=5)
    expect(page.locator("#summary")).to_contain_text("not yet reranked")
    expect(page.locator("#busy")).to_have_class("on")
    assert page.locator("#results .arrow").count() == 0
    page.locator("#query").press_sequentially("n")
    reranker.go.set()
    settled(page)
    assert titles(page)[0] == "cats"
    assert "relevance" in page.locator(".badge").first.inner_text()
    expect(page.locator("#said")).to_have_text(re.compile(r"^\d+ results of \d+ candidates$"))
    assert page.title() == "cats that sleep by day in the sun \u2013 Shortlist"


def test_what_moved_has_an_arrow_and_every_stage_its_rank(visit: Visit) -> None:
    page = visit()
    ask(page, "cats at night")
    answer = page.request.post("search", data={"query": "cats at night", "k": 20}).json()
    for row, result in zip(page.locator(".result").all(), answer["results"], strict=True):
        row.locator("summary").click()
        ranks = [result["ranks"][s] for s in ("lexical", "dense", "fused", "reranked")]
        shown = [text.split("\n")[0] for text in row.locator(".stages .rank").all_inner_texts()]
        wanted = ["not found" if rank is None else str(rank) for rank in ranks]
        assert [re.sub("[\u2191\u2193].*", "", text).strip() for text in shown] == wanted
        places = ranks[2] - ranks[3]
        arrows = row.locator("h3 .arrow").all_inner_texts()
        assert [a[:1] for a in arrows] == (["\u2191" if places > 0 else "\u2193"] if places else [])
    page.locator(".timings summary").click()
    assert "BM25" in page.locator(".timings ul").inner_text()


def test_a_busy_second_stage_takes_nothing_away(visit: Visit) -> None:
    reranker = Held()
    settings = ServerSettings(timeout=1)
    page = visit(create_app(lambda: make_engine(DOCUMENTS, reranker=reranker), settings=settings))
    page.locator("#query").fill("cats that sleep")
    expect(page.locator(".notice.degraded")).to_contain_text("order of the first stage")
    assert page.locator(".result").count() > 0
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    reranker.go.set()  # it is asked again without a click, too
    settled(page)
    assert page.locator(".notice").count() == 0
    assert titles(page)[0] == "cats"


def test_only_the_last_question_is_answered(visit: Visit) -> None:
    reranker = Held()
    page = visit(create_app(lambda: make_engine(DOCUMENTS, reranker=reranker)))
    page.locator("#query").press_sequentially("dogs bark", delay=5)
    expect(page.locator("#summary")).to_contain_text("not yet reranked")
    page.wait_for_timeout(600)  # the second stage is asked
    page.locator("#query").fill("bread flour")
    reranker.go.set()
    settled(page)
    assert titles(page)[0] == "bread"
    page.wait_for_timeout(300)
    assert titles(page)[0] == "bread"


def test_half_a_word_finds_what_begins_so(visit: Visit) -> None:
    page = visit()
    with page.expect_request(lambda asked: "flo*" in (asked.post_data or "")):
        page.locator("#query").press_sequentially("flo")
    expect(page.locator("#results mark").first).to_have_text("flour")


def test_filters_narrow_and_can_be_undone(visit: Visit) -> None:
    page = visit()
    ask(page, "night")
    everything = page.locator(".result").count()
    page.get_by_label(re.compile("^txt")).check()
    settled(page)
    expect(page.locator(".result")).to_have_count(2)
    assert all(".txt" in place for place in places(page))
    assert "type=txt" in page.url
    assert page.get_by_label(re.compile("^md")).is_visible(), "the other choice is still there"
    page.get_by_label(re.compile("^zoo ?1")).check()
    expect(page.locator(".result")).to_have_count(1)
    page.go_back()
    expect(page.locator(".result")).to_have_count(2)
    page.go_back()
    expect(page.locator(".result")).to_have_count(everything)
    expect(page.locator("#facets input:checked")).to_have_count(0)
    page.get_by_label(re.compile("^zoo/old")).check()
    expect(page.locator(".result .place").first).to_contain_text("zoo/old/birds.md")


def test_nothing_found_says_so_and_offers_a_way_on(visit: Visit) -> None:
    page = visit(path="?q=bread&type=pdf")
    expect(page.locator(".notice.empty")).to_contain_text("No document with these filters")
    page.get_by_role("button", name="Search without filters").click()
    settled(page)
    assert titles(page)[0] == "bread"
    assert page.url.endswith("?q=bread")
    assert page.locator(".notice").count() == 0


def test_a_document_opens_at_its_passage(visit: Visit) -> None:
    page = visit()
    ask(page, "owls hunt")
    page.locator(".snippet").first.click()
    passage = page.locator("#passage")
    expect(passage).to_have_text("owls hunt at night\n", use_inner_text=False)
    expect(passage).to_be_in_viewport()
    assert passage.locator("mark").all_inner_texts() == ["owls", "hunt"]
    assert page.locator("#reader-text").inner_text().startswith("birds sing by day")
    page.keyboard.press("Escape")
    expect(page.locator("#reader")).to_be_hidden()
    assert "doc=" not in page.url
    assert page.evaluate("document.activeElement.className") == "title"
    page.go_forward()
    expect(page.locator("#reader-place")).to_contain_text("zoo/old/birds.md")
    page.get_by_role("button", name="Close the document").click()
    expect(page.locator("#reader")).to_be_hidden()


def test_a_link_to_a_passage_can_be_sent(visit: Visit) -> None:
    page = visit()
    ask(page, "cats sleep in the sun")
    link = page.locator(".title").first.get_attribute("href")
    assert link
    other = visit(path=link.lstrip("/"))
    # Two characters before the words are no more than two, though each has two units.
    wanted = "\U0001f431\U0001f431 cats sleep by day in the sun\n"
    expect(other.locator("#passage")).to_have_text(wanted, use_inner_text=False)
    marked = page.locator(".result").first.locator("mark").all_inner_texts()
    assert [text.lower() for text in marked] == ["cats", "sleep", "sun"]
    other.keyboard.press("Escape")
    expect(other.locator("#reader")).to_be_hidden()
    assert "q=cats" in other.url
    assert "doc=" not in other.url


def test_a_document_that_is_gone_says_so(visit: Visit) -> None:
    page = visit(path="?q=cats&doc=gone.md")
    expect(page.locator("#reader-text")).to_contain_text("not in the index any more")


def test_the_keyboard_is_enough(visit: Visit) -> None:
    page = visit()
    ask(page, "cats night")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focused = "[...document.querySelectorAll('.title')].indexOf(document.activeElement)"
    assert page.evaluate(focused) == 1
    page.keyboard.press("Enter")
    expect(page.locator("#passage")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.locator("#reader")).to_be_hidden()
    assert page.evaluate(focused) == 1
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "query"
    page.keyboard.press("Enter")
    assert page.evaluate(focused) == 0, "enter in the box goes on to the results"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "query"
    assert page.locator("#query").input_value() == "cats night"


def test_the_back_button_goes_to_the_question_before(visit: Visit) -> None:
    page = visit()
    ask(page, "cats")
    page.locator("#query").press("End")
    ask(page, "bread")
    page.go_back()
    expect(page.locator("#query")).to_have_value("cats")
    settled(page)
    assert "cats" in titles(page)[0] + page.locator(".snippet").first.inner_text()


def test_text_of_documents_stays_text(visit: Visit) -> None:
    page = visit()
    ask(page, "rabbits <b>&amp;")
    expect(page.locator(".snippet").first).to_have_text(HOSTILE)
    assert page.locator("#results img, #results script, #results b").count() == 0
    page.locator(".title").first.click()
    expect(page.locator("#passage")).to_have_text(HOSTILE + "\n", use_inner_text=False)
    assert page.locator("#reader img, #reader script").count() == 0
    assert page.title() == "rabbits <b>&amp; \u2013 Shortlist"


def test_while_models_load_the_page_says_so_and_goes_on_by_itself(visit: Visit) -> None:
    go = threading.Event()

    def load() -> Any:  # noqa: ANN401
        assert go.wait(60)
        return make_engine(DOCUMENTS)

    page = visit(create_app(load))
    expect(page.locator(".notice")).to_contain_text("Getting ready")
    page.locator("#query").fill("bread")
    page.wait_for_timeout(300)
    expect(page.locator(".notice")).to_contain_text("Getting ready")
    go.set()
    settled(page)
    assert titles(page)[0] == "bread"
    assert page.locator(".notice").count() == 0


def test_a_server_that_could_not_load_says_why(visit: Visit) -> None:
    def load() -> Any:  # noqa: ANN401
        raise OSError

    page = visit(create_app(load), path="?q=cats")
    expect(page.get_by_role("alert")).to_contain_text("The server could not load")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_half_a_search_says_what_is_missing(visit: Visit) -> None:
    page = visit(create_app(lambda: make_engine(DOCUMENTS, reranker_fault="it is broken")))
    ask(page, "cats")
    expect(page.locator(".notice.degraded")).to_contain_text("second stage cannot work")
    expect(page.locator("#summary")).to_contain_text("not reranked")


def test_without_a_network_the_page_waits_for_it(visit: Visit) -> None:
    page = visit()
    ask(page, "cats")
    page.context.set_offline(True)
    page.locator("#query").fill("bread flour")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    assert page.locator(".result").count() > 0, "what was found before stays"
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0)
    settled(page)
    assert titles(page)[0] == "bread"


def test_a_key_is_asked_for_and_kept_for_the_tab(visit: Visit) -> None:
    settings = ServerSettings(keys=read_keys(read=["secret"]))
    page = visit(create_app(lambda: make_engine(DOCUMENTS), settings=settings), path="?q=cats")
    page.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-said")).to_contain_text("does not know that key")
    expect(page.get_by_label("API key")).to_be_focused()
    assert serious(page) == []
    page.get_by_label("API key").fill("secret")
    page.keyboard.press("Enter")
    settled(page)
    expect(page.locator("#key")).to_be_hidden()
    page.reload()
    settled(page)
    assert page.locator("#key").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_serious(visit: Visit, scheme: str, size: dict[str, Any]) -> None:
    # Half-transparent text while something glides in is no fault.
    page = visit(color_scheme=scheme, reduced_motion="reduce", **size)
    assert serious(page) == []
    ask(page, "cats at night")
    for summary in page.locator(".why summary, .timings summary").all():
        summary.click()
    if size:
        page.locator("#filters > summary").click()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".title").first.click()
    expect(page.locator("#passage")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.context.set_offline(True)
    page.locator("#query").fill("bread")
    expect(page.get_by_role("alert")).to_be_visible()
    assert serious(page) == []


def test_whoever_wants_no_motion_gets_none(visit: Visit) -> None:
    still, moving = visit(reduced_motion="reduce"), visit(reduced_motion="no-preference")
    count = "[...document.querySelectorAll('.result')].flatMap(r => r.getAnimations()).length"
    for page, wanted in ((still, False), (moving, True)):
        page.evaluate(
            """() => {
                window.seen = 0;
                const animate = Element.prototype.animate;
                Element.prototype.animate = function (...all) {
                    window.seen += 1;
                    return animate.apply(this, all);
                };
            }"""
        )
        ask(page, "cats that purr at night")
        assert bool(page.evaluate("window.seen")) is wanted
        if not wanted:
            assert page.evaluate(count) == 0
