"""Source code: the text unchanged, a section for each top-level definition.

Python is read by its own parser; of other languages a definition is a line without indentation that
says so. A definition that is missed only costs a heading, never text.
"""

from __future__ import annotations

import ast
import re
import warnings

from indexer.extract import text
from indexer.extract.draft import one_line
from indexer.types import Extracted, Section

_MAX_AST_CHARACTERS = 2_000_000
_WORDS = (
    r"(?:export|default|declare|public|private|protected|internal|abstract|final|static|sealed"
    r"|open|data|pub(?:\([^)\n]{1,40}\))?|async|unsafe|extern|inline|override|virtual|suspend"
    r"|partial)"
)
_DEFINITION = re.compile(
    rf"^(?:{_WORDS}[ \t]+){{0,5}}"
    r"(?:class|interface|struct|enum|trait|impl|union|record|object|module|namespace|defmodule"
    r"|def|defp|fn|func|function|fun|sub|type|protocol|extension|message|service|CREATE TABLE"
    r"|CREATE VIEW)[ \t*]+(?:\([^)\n]{0,80}\)[ \t]*)?(?:<[^>\n]{0,80}>[ \t]*)?"
    r"([A-Za-z_$][\w$.]*(?:::[\w$]+)*)",
    re.MULTILINE,
)
_C_FUNCTION = re.compile(
    r"^(?!typedef|return|else|static_assert)[A-Za-z_][\w:<>,&* \t]{0,120}?[ \t*&]"
    r"([A-Za-z_~][\w:~]*)\([^;\n]{0,200}$",
    re.MULTILINE,
)
_SHELL_FUNCTION = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*\(\)[ \t]*\{?[ \t]*$", re.MULTILINE)
_C_LIKE = frozenset(("c", "cpp", "cs", "java", "m", "dart"))


def read(data: bytes, type_: str) -> Extracted:
    """Return source code of one type; a Python module's docstring starts with its title."""
    source = text.decode(data)
    if type_ == "py":
        parsed = _python(source)
        if parsed is not None:
            return parsed
    found = [(match.start(), match[1]) for match in _DEFINITION.finditer(source)]
    more = {"sh": _SHELL_FUNCTION} | dict.fromkeys(_C_LIKE, _C_FUNCTION)
    if type_ in more:
        found += [(match.start(), match[1]) for match in more[type_].finditer(source)]
    first_of_each = dict(sorted(found, reverse=True))
    sections = [
        Section(start=start, heading=(first_of_each[start],)) for start in sorted(first_of_each)
    ]
    return Extracted(text=source, sections=tuple(sections))


def _python(source: str) -> Extracted | None:
    """Return a Python module, or None if this Python cannot parse it."""
    if len(source) > _MAX_AST_CHARACTERS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the file's invalid escapes are not ours
            module = ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    sections: list[Section] = []
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            sections.append(Section(start=starts[_above(lines, first)], heading=(node.name,)))
        elif sections and sections[-1].heading:
            # Code after a definition is not part of it.
            sections.append(Section(start=starts[_above(lines, node.lineno)]))
    docstring = (ast.get_docstring(module) or "").strip()
    title = one_line(docstring.split("\n\n")[0].split("\n")[0]) if docstring else ""
    return Extracted(text=source, title=title, sections=tuple(sections))


def _above(lines: list[str], line: int) -> int:
    """Return the index of the first of the comments that stand directly above a line (from 1)."""
    index = line - 1
    while index > 0 and lines[index - 1].startswith("#"):
        index -= 1
    return index
