"""The tools of an assistant, over the SDK's client in memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import ModelError
from server.mcp.words import LONGEST_PASSAGE, LONGEST_TEXT
from tests.assistant import Assistant, in_memory, living, nothing
from tests.client import DOCUMENTS
from tests.fakes import make_engine

if TYPE_CHECKING:
    from engine.answer import Answer, SearchRequest
    from engine.protocols import Snapshot
    from engine.search import SearchEngine

LONG = "".join(f"line {number} of the log\n" for number in range(3000))


def small() -> SearchEngine:
    return make_engine(DOCUMENTS)


def test_the_tools_say_what_they_take_and_answer_and_only_read() -> None:
    async def work(assistant: Assistant) -> None:
        tools = await assistant.tools()
        assert list(tools) == ["search", "get_document", "list_documents", "status"]
        for tool in tools.values():
            assert tool.description
            assert tool.annotations
            assert tool.annotations.read_only_hint
            assert tool.input_schema["additionalProperties"] is False
            assert tool.output_schema
            assert tool.output_schema["type"] == "object"
        assert "type:pdf" in (tools["search"].description or "")

    with living(small) as live:
        in_memory(live, work)


def test_a_search_answers_with_passages_and_their_places() -> None:
    async def work(assistant: Assistant) -> None:
        answer = await assistant.call("search", query="dogs at night", k=2)
        first, second = answer["results"]
        assert first == {
            "rank": "1 of 2",
            "document": "zoo/dogs.txt",
            "title": "dogs",
            "start": 0,
            "end": 19,
            "text": "dogs bark at night\n",
            "stage": "reranked",
        }
        assert second["rank"] == "2 of 2"
        assert "degraded" not in answer
        fused = await assistant.call("search", query="dogs at night", rerank=False)
        assert {result["stage"] for result in fused["results"]} == {"fused"}

    with living(small) as live:
        in_memory(live, work)


def test_a_filter_narrows_a_search_and_nothing_found_is_said() -> None:
    async def work(assistant: Assistant) -> None:
        answer = await assistant.call("search", query="night", filter="path:zoo type:md")
        assert {result["document"] for result in answer["results"]} == {"zoo/cats.md"}
        nothing = await assistant.call("search", query="night", filter="path:attic")
        assert nothing["results"] == []
        assert "without the filter" in nothing["notes"][0]

    with living(small) as live:
        in_memory(live, work)


def test_a_degraded_search_says_so() -> None:
    async def work(assistant: Assistant) -> None:
        answer = await assistant.call("search", query="dogs")
        assert answer["degraded"] == "reranker_unavailable"
        assert "no weights" in answer["notes"][0]

    with living(lambda: make_engine(DOCUMENTS, reranker_fault="no weights")) as live:
        in_memory(live, work)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("search", {}, "query: field required"),
        ("search", {"query": "cats", "folder": "zoo"}, "folder: there is no such field"),
        ("search", {"query": "cats", "folder": None}, "folder: there is no such field"),
        ("search", {"query": "cats", "k": 21}, "k: input should be less than or equal to 20"),
        ("search", {"query": "cats", "k": 0}, "k: input"),
        ("search", {"query": "c" * 100_001}, "query: string should have at most"),
        ("search", {"query": ["cats"]}, "query: input should be a valid string"),
        ("search", {"query": "cats", "filter": "zoo"}, "for example path:guide/*"),
        ("get_document", {"document": "attic.md"}, "take the id from a result of search"),
        ("get_document", {"document": "../kitchen.md"}, "there is no document"),
        ("get_document", {"document": ""}, "there is no document"),
        ("get_document", {"document": "kitchen.md", "start": 28}, "has 27 characters"),
        ("get_document", {"document": "kitchen.md", "start": 5, "end": 5}, "start comes before"),
        ("get_document", {"document": "kitchen.md", "start": -1}, "start: input"),
        ("list_documents", {"limit": 201}, "limit: input"),
        ("status", {"verbose": True}, "status takes no arguments"),
        ("delete_document", {"document": "kitchen.md"}, "there are search, get_document"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(
    tool: str, arguments: dict[str, Any], said: str
) -> None:
    async def work(assistant: Assistant) -> None:
        assert said in await assistant.refused(tool, **arguments)

    with living(small) as live:
        in_memory(live, work)


def test_what_is_left_out_may_also_be_null() -> None:
    async def work(assistant: Assistant) -> None:
        answer = await assistant.call("search", query="cats", k=None, filter=None, rerank=None)
        assert answer["results"]
        whole = await assistant.call("get_document", document="kitchen.md", end=None)
        assert whole["text"] == DOCUMENTS["kitchen.md"]

    with living(small) as live:
        in_memory(live, work)


def test_a_document_is_read_in_stretches() -> None:
    async def work(assistant: Assistant) -> None:
        read, start = "", 0
        while True:
            answer = await assistant.call("get_document", document="a.log", start=start)
            assert len(answer["text"]) == answer["end"] - answer["start"] <= LONGEST_TEXT
            assert answer["length"] == len(LONG)
            read += answer["text"]
            if "next_start" not in answer:
                break
            start = answer["next_start"]
        assert read == LONG
        part = await assistant.call("get_document", document="a.log", start=30, end=70)
        assert part["text"] == LONG[30:70]
        assert part["next_start"] == 70

    with living(lambda: make_engine({"a.log": LONG})) as live:
        in_memory(live, work)


def test_a_document_without_text_is_there() -> None:
    async def work(assistant: Assistant) -> None:
        answer = await assistant.call("get_document", document="empty.md")
        assert (answer["text"], answer["length"]) == ("", 0)

    with living(lambda: make_engine({"empty.md": "", "empty.md.bak": "cats"})) as live:
        in_memory(live, work)


def test_a_long_passage_is_cut_where_it_says() -> None:
    text = "cats " * 1000

    async def work(assistant: Assistant) -> None:
        [found] = (await assistant.call("search", query="cats"))["results"]
        assert found["cut"]
        assert found["text"] == text[found["start"] : found["end"]]
        assert len(found["text"]) == LONGEST_PASSAGE

    with living(lambda: make_engine({"cats.md": text})) as live:
        in_memory(live, work)


def test_documents_are_listed_page_by_page() -> None:
    async def work(assistant: Assistant) -> None:
        seen: list[str] = []
        after = ""
        while after is not None:
            page = await assistant.call("list_documents", limit=2, after=after)
            seen += [document["document"] for document in page["documents"]]
            after = page.get("next_after")
        assert seen == sorted(DOCUMENTS)
        zoo = await assistant.call("list_documents", prefix="zoo/", limit=2)
        assert [document["title"] for document in zoo["documents"]] == ["cats", "dogs"]
        assert "next_after" not in zoo

    with living(small) as live:
        in_memory(live, work)


def test_calls_wait_for_the_models_and_the_status_does_not() -> None:
    go = threading.Event()

    def load() -> SearchEngine:
        go.wait(30)
        return small()

    async def work(assistant: Assistant) -> None:
        assert await assistant.call("status") == {"state": "loading"}
        timer = threading.Timer(0.2, go.set)
        timer.start()
        assert (await assistant.call("search", query="cats"))["results"]
        status = await assistant.call("status")
        assert (status["state"], status["documents"], status["passages"]) == ("ready", 3, 4)
        assert (status["encoder"], status["reranker"]) == ("hash", "overlap")
        timer.join()

    with living(load) as live:
        in_memory(live, work, look=nothing)


def test_documents_are_read_while_the_models_load_and_where_they_cannot() -> None:
    go = threading.Event()
    opened: list[SearchEngine] = []

    def load() -> SearchEngine:
        go.wait(30)
        raise ModelError("no weights")

    def look() -> Snapshot:
        opened.append(small())
        return opened[-1].snapshot

    async def work(assistant: Assistant) -> None:
        for state in ("loading", "failed"):
            while (await assistant.call("status"))["state"] != state:
                pass
            listed = await assistant.call("list_documents", prefix="zoo/")
            assert [each["document"] for each in listed["documents"]] == [
                "zoo/cats.md",
                "zoo/dogs.txt",
            ]
            read = await assistant.call("get_document", document="zoo/dogs.txt")
            assert read["text"] == "dogs bark at night\n"
            go.set()
        assert len(opened) == 4

    with living(load) as live:
        in_memory(live, work, look=look)


def test_no_index_is_said_without_a_path_while_the_models_load() -> None:
    go = threading.Event()

    def load() -> SearchEngine:
        go.wait(30)
        return small()

    async def work(assistant: Assistant) -> None:
        said = await assistant.refused("list_documents")
        assert "there is no index" in said
        assert "/home" not in said

    with living(load) as live:
        in_memory(live, work, look=nothing)
        go.set()
        while live.loading:
            pass


def test_a_call_does_not_wait_for_ever() -> None:
    go = threading.Event()

    def load() -> SearchEngine:
        go.wait(30)
        return small()

    async def work(assistant: Assistant) -> None:
        assert "call again" in await assistant.refused("search", query="cats")

    with living(load) as live:
        in_memory(live, work, patience=0.1, look=nothing)
        go.set()
        while live.loading:
            pass


def test_why_there_are_no_models_is_said_without_a_path() -> None:
    def load() -> SearchEngine:
        raise ModelError("no model at /home/ada/models/best")

    async def work(assistant: Assistant) -> None:
        while (status := await assistant.call("status"))["state"] == "loading":
            pass
        said = await assistant.refused("search", query="cats")
        for text in (status["reason"], said):
            assert "a model cannot be loaded" in text
            assert "/home" not in text
        assert "shortlist doctor" in said

    with living(load) as live:
        in_memory(live, work)


def test_an_accident_is_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(type(small())):
        def search(self, request: SearchRequest) -> Answer:
            raise RuntimeError("secret of the house")

    def load() -> SearchEngine:
        engine = small()
        return Broken(engine.snapshot, engine.encoder, None)

    async def work(assistant: Assistant) -> None:
        said = await assistant.refused("search", query="cats")
        assert "went wrong" in said
        assert "secret" not in said

    with living(load) as live:
        in_memory(live, work)
    assert "secret of the house" in caplog.text


def test_a_newer_commit_is_searched() -> None:
    newer = [make_engine({"bread.md": "rye bread"})]

    async def work(assistant: Assistant) -> None:
        [found] = (await assistant.call("search", query="bread"))["results"]
        assert found["document"] == "bread.md"

    with living(small, lambda _: newer.pop() if newer else None) as live:
        in_memory(live, work)
