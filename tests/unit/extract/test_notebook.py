from __future__ import annotations

import json

import pytest

from engine.errors import ExtractionError
from indexer.extract.notebook import read


def test_format_three_keeps_its_cells_in_sheets() -> None:
    cells = [
        {"cell_type": "heading", "level": 1, "source": "Counting"},
        {"cell_type": "code", "input": ["x = 1\n", "x"], "outputs": []},
    ]
    about = {"kernelspec": {"language": "julia"}}
    notebook = {"nbformat": 3, "worksheets": [{"cells": cells}], "metadata": about}
    extracted = read(json.dumps(notebook).encode())
    assert (extracted.title, extracted.text) == ("Counting", "Counting\n\nx = 1\nx")
    assert extracted.metadata == {"language": "julia"}


def test_outputs_are_shown_as_text_cut_short_and_without_pictures_and_errors() -> None:
    outputs = [
        {"output_type": "execute_result", "data": {"text/plain": ["42"], "image/png": "iVBO"}},
        {"output_type": "error", "traceback": ["Traceback"]},
        {"output_type": "stream", "text": "x" * 100_000},
        "nonsense",
    ]
    notebook = {"cells": [{"cell_type": "code", "source": "f()", "outputs": outputs}]}
    text = read(json.dumps(notebook).encode()).text
    assert text.startswith("f()\n\n42\n\nxxx")
    assert "iVBO" not in text
    assert "Traceback" not in text
    assert len(text) < 5000


@pytest.mark.parametrize("data", [b"{", b"[]", b'"x"', b'{"a": 1}'])
def test_what_is_no_notebook_is_damage(data: bytes) -> None:
    with pytest.raises(ExtractionError, match="damaged"):
        read(data)
