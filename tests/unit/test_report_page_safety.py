from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

import engine.evaluation.page
from engine.evaluation.page import render
from tests.pages import Page, marked, page, parts
from tests.reports import Row, make_report

NONE = Row(reranker=None)
HOSTILE = "<img src=x onerror=alert(1)>\"'</script></style></title><!--]]>\u202e&lt;b\x00\ud800"


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(tmp_path: Path) -> None:
    found = page(tmp_path, Row(), Row(sources="dense"))
    assert not {"script", "link", "iframe", "img", "object", "base"} & {
        n for n, _ in found.elements
    }
    loads = {"src", "srcset", "action", "formaction", "data", "style"}
    for name, attrs in found.elements:
        assert not loads & attrs.keys(), name
        assert not any(key.startswith("on") for key in attrs), name
        assert (attrs.get("href") or "#").startswith("#")
    policy = next(a["content"] for a in found.all("meta") if "http-equiv" in a) or ""
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert "script-src" not in policy  # so that none runs
    assert not re.search(r"@import|url\((?!#)", found.texts["style"])


def test_no_text_of_the_data_becomes_markup(tmp_path: Path) -> None:
    report, lines = parts(make_report(tmp_path, Row(), NONE, queries=30))
    report["data"] |= {"synthetic": {"how": "", "shared_words": 0.5, "kinds": {HOSTILE: 3}}}
    report["data"]["checksums"][HOSTILE] = report["versions"][HOSTILE] = "1"
    markup = render(marked(report, HOSTILE), [marked(line, HOSTILE) for line in lines])
    markup.encode()  # also without half characters
    attacked, tame = Page(markup), Page(render(report, lines))

    def names(found: Page) -> set[tuple[str, tuple[str, ...]]]:
        return {(name, tuple(attrs)) for name, attrs in found.elements}

    assert names(attacked) == names(tame)
    assert attacked.sections == tame.sections
    assert attacked.texts["style"] == tame.texts["style"]
    assert "onerror=alert(1)>\"'</script>" in attacked.texts["losses"]


def test_every_picture_is_xml_and_says_what_it_shows_or_is_hidden(tmp_path: Path) -> None:
    report, lines = parts(make_report(tmp_path, Row(), NONE))
    markup = render(marked(report, HOSTILE), [marked(line, HOSTILE) for line in lines])
    pictures = re.findall(r"<svg.*?</svg>", markup, re.DOTALL)
    assert len(pictures) > 10
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        if root.get("aria-hidden") == "true":
            continue
        assert root.get("role") == "img"
        names = [node.tag.rpartition("}")[2] for node in root][:2]
        assert names == ["title", "desc"]
        assert all(node.text for node in list(root)[:2])


def test_the_page_can_be_read_without_seeing_it(tmp_path: Path) -> None:
    found = page(tmp_path, Row(), NONE, Row(sources="lexical"), queries=30)
    ids = [attrs["id"] for _, attrs in found.elements if "id" in attrs]
    assert len(set(ids)) == len(ids)
    levels = [int(name[1]) for name, _ in found.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert all(attrs.get("scope") in {"row", "col"} for attrs in found.all("th"))
    assert len(found.all("caption")) == len(found.all("table"))
    boxes = [attrs for attrs in found.all("div") if attrs.get("class") == "scroll"]
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)
    assert found.all("html")[0]["lang"] == "en"


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_told_from_its_ground(theme: int) -> None:
    css = Path(engine.evaluation.page.__file__).with_name("style.css").read_text("utf-8")
    block = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[theme]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    pairs = [
        (ink, ground)
        for ground in ("paper", "card")
        for ink in ("ink", "soft", "base", "real", "always", "ceil", "good", "bad", "focus")
    ]
    for ink, ground in [*pairs, ("warn-ink", "warn")]:
        high, low = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)
