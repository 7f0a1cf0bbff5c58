from __future__ import annotations

import pytest

from indexer.extract.html import read


def text(markup: str) -> str:
    return read(markup.encode()).text


def test_blocks_part_lines_and_inline_elements_do_not() -> None:
    assert text("<p>one <b>two</b>\n three<p>four<br>five") == "one two three\n\nfour\nfive"


def test_list_items_are_lines_with_a_dash() -> None:
    assert text("<ul><li>one<li><p>two</p></ul>") == "- one\n- two"


def test_an_empty_list_item_leaves_nothing() -> None:
    assert text("<ul><li><button>x</button><li> </ul><p>words") == "words"


def test_preformatted_text_keeps_its_lines_and_spaces() -> None:
    assert text("<p>a</p><pre>  x = 1\n\n  y = 2</pre>") == "a\n\n  x = 1\n\n  y = 2"


def test_entities_are_characters() -> None:
    assert text("<p>a &amp; b &lt;c&gt; &eacute;&nbsp;&#x1F600;") == "a & b <c> é \U0001f600"


def test_a_heading_without_its_link_sign_opens_a_section() -> None:
    extracted = read(b"<title>t</title><h1>A<a class=headerlink href=#a>\xc2\xb6</a></h1>x<h2>B")
    assert [section.heading for section in extracted.sections] == [("A",), ("A", "B")]
    assert extracted.text[extracted.sections[1].start :] == "B"


def test_main_is_preferred_over_what_surrounds_it() -> None:
    assert text("<div>menu</div><main><p>The words of the page.</main>") == "The words of the page."


def test_an_empty_main_is_not_preferred() -> None:
    assert "words" in text("<main></main><div>All the words of the page.</div>")


def test_ligatures_and_soft_hyphens_do_not_hide_words() -> None:
    assert text("<p>o\ufb03ce hyphen\u00adation") == "office hyphenation"


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("<meta charset=shift_jis>", "shift_jis"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=EUC-JP">', "euc_jp"),
        ("<meta charset=iso-2022-jp>", "iso2022_jp"),
        ("<meta charset=iso-8859-1>", "utf-8"),
        ("<meta charset=shift_jis>", "utf-8"),
        ("<meta charset=nonsense>", "utf-8"),
        ("<meta charset=hex>", "utf-8"),
        ("", "utf-8"),
    ],
)
def test_the_declared_charset_is_used_unless_the_bytes_are_utf8(
    declared: str, encoding: str
) -> None:
    markup = f"<head>{declared}</head><p>日本語のテキスト"
    assert read(markup.encode(encoding)).text == "日本語のテキスト"


def test_a_page_nested_deeper_than_python_recurses_is_read() -> None:
    assert text("<div>" * 20_000 + "deep") == "deep"


def test_properties_come_from_meta_elements() -> None:
    extracted = read(
        b'<head><meta name="keywords" content="a, b,"><meta property="og:title" content="T">'
        b'<meta name="description" content="D"></head><p>x'
    )
    assert extracted.title == "T"
    assert extracted.metadata == {"keywords": ["a", "b"], "description": "D"}
