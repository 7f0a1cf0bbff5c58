"""Which reader a file belongs to, decided by its name alone.

A *type* is what the user sees and filters by (`type:md`); a *kind* is the reader that handles it.
An unknown suffix is of kind `text`: the reader looks at the bytes and refuses what is not text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal[
    "binary", "code", "docx", "epub", "html", "legacy", "mail", "markdown", "markup", "notebook",
    "odf", "pdf", "pptx", "rtf", "sheet", "text",
]  # fmt: skip


def words(names: str) -> frozenset[str]:
    """Return the words of a line: long sets of names read best as prose."""
    return frozenset(names.split())


_SAME_TYPE = {
    "htm": "html", "xhtml": "html", "markdown": "md", "mdown": "md", "mkd": "md", "yml": "yaml",
    "jpeg": "jpg", "tiff": "tif", "text": "txt", "pyi": "py", "pyw": "py", "hpp": "cpp",
    "hh": "cpp", "cc": "cpp", "cxx": "cpp", "h": "c", "mjs": "js", "cjs": "js", "mts": "ts",
    "cts": "ts", "mht": "mhtml", "bash": "sh", "zsh": "sh", "ksh": "sh", "cfg": "ini",
    "asciidoc": "adoc",
    "latex": "tex", "kts": "kt", "docm": "docx", "dotx": "docx", "pptm": "pptx", "ppsx": "pptx",
    "potx": "pptx", "xlsm": "xlsx", "xltx": "xlsx", "ott": "odt",
}  # fmt: skip
_NAMES = {
    "makefile": "makefile", "gnumakefile": "makefile", "dockerfile": "dockerfile",
    "containerfile": "dockerfile", "jenkinsfile": "groovy", "rakefile": "rb", "gemfile": "rb",
    "vagrantfile": "rb", "justfile": "justfile", "cmakelists.txt": "cmake",
}  # fmt: skip
_KINDS: dict[str, Kind] = {
    "docx": "docx", "epub": "epub", "html": "html", "eml": "mail", "mhtml": "mail", "mbox": "mail",
    "md": "markdown", "mdx": "markdown", "qmd": "markdown", "rmd": "markdown", "rst": "markup",
    "adoc": "markup", "org": "markup", "tex": "markup", "ipynb": "notebook", "odt": "odf",
    "odp": "odf", "pdf": "pdf", "pptx": "pptx", "rtf": "rtf", "xlsx": "sheet", "xls": "sheet",
    "xlsb": "sheet", "ods": "sheet", "doc": "legacy", "ppt": "legacy",
}  # fmt: skip
CODE = words(
    "py c cpp cs go java js jsx ts tsx kt rb rs scala swift php sh lua pl r jl dart ex exs hs "
    "clj groovy zig m sql vue svelte proto"
)
_BINARY = words(
    "7z a aac aiff ai apk avi avif bin blend bmp br bz2 cab class db deb dll dmg dylib ear eot "
    "exe faiss flac flv gguf gif gz h5 heic icns ico img iso jar jp2 jpg lib lz4 lzma m4a m4v "
    "mkv mo mov mp3 mp4 mpeg mpg msi npy npz o obj odb odg ogg onnx opus otf parquet pdb pickle "
    "pkl png psd pt pth pyc pyd pyo rar rpm safetensors so sqlite sqlite3 svg swf tar tgz tif "
    "ttf wasm wav webm webp whl wma wmv woff woff2 xcf xz z zip zst"
)
ISOLATED: frozenset[Kind] = frozenset(
    ("docx", "epub", "html", "mail", "odf", "pdf", "pptx", "rtf", "sheet")
)


def file_type(path: Path) -> str:
    """Return the type of a file: its canonical lower-case extension, `txt` where it has none."""
    name = path.name.lower()
    if name in _NAMES:
        return _NAMES[name]
    stem = name.partition(".")[0]
    if stem in ("makefile", "dockerfile"):  # Dockerfile.test
        return stem
    suffix = path.suffix.lower().removeprefix(".")
    return _SAME_TYPE.get(suffix, suffix) or "txt"


def kind(path: Path) -> Kind:
    """Return the reader that a file belongs to."""
    type_ = file_type(path)
    if type_ in CODE:
        return "code"
    return "binary" if type_ in _BINARY else _KINDS.get(type_, "text")


def known(path: Path) -> bool:
    """Return whether a name promises a document, so that a file without text is a failure."""
    type_ = file_type(path)
    return type_ in CODE or type_ in _KINDS or path.suffix.lower() in (".txt", ".text")


def supported(path: Path) -> bool:
    """Return whether `extract` is worth a try: false for names that promise no document.

    Pictures, archives, programs and the old Office formats are named; a suffix nobody knows may
    still hold text, so it is worth the try.
    """
    return kind(path) not in ("binary", "legacy")
