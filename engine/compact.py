# pyright: basic
"""LEAF (safetensors): a model's weights in a quarter of the space, for those that ship.

    8 bits   a row of a matrix is whole numbers from -127 to 127 times one number of its own
    4 bits   the same for word vectors, 32 numbers at a time, from -7 to 7, two in a byte

Everything else is kept in 16 bits. Weights are read back to float32 when a model is loaded; nothing
calculates in whole numbers, so what is lost is lost here alone.

A model may have weights in common with one whose folder lies beside its own: those are kept once.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from engine.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from engine.types import FloatArray

T = TypeVar("T")

FILE: Final = "compact.safetensors"
_ROWS: Final = ".rows8"
_GROUPS: Final = ".groups4"
_SCALE: Final = ".scale"
_GROUP: Final = 32
# What a file says of itself: whose weights it takes, and which.
_OF, _TAKES = "of", "takes"


def pack(
    weights: Mapping[str, FloatArray],
    path: Path,
    *,
    coarse: tuple[str, ...] = (),
    beside: str = "",
) -> None:
    """Write weights compactly.

    Args:
        weights: of a model, by their names.
        path: of the file.
        coarse: names of the matrices that 4 bits are enough for; their width is a multiple of 32.
        beside: name of the folder beside the path's own, of the model whose equal weights it takes.
    """
    packed: dict[str, np.ndarray] = {}
    for name, values in weights.items():
        if values.ndim != 2:
            packed[name] = values.astype(np.float16)
        elif name in coarse:
            groups, scale = _rounded(values.reshape(-1, _GROUP), 7)
            low, high = (groups + 8).astype(np.uint8).reshape(len(values), -1, 2).transpose(2, 0, 1)
            packed[name + _GROUPS] = low | (high << 4)
            packed[name + _SCALE] = scale.reshape(len(values), -1)
        else:
            rows, scale = _rounded(values, 127)
            packed[name + _ROWS], packed[name + _SCALE] = rows.astype(np.int8), scale
    own = {name: np.ascontiguousarray(part) for name, part in packed.items()}
    about: dict[str, str] = {}
    if beside:
        other = load_file(_beside(path, beside))
        takes = [name for name in own if name in other and np.array_equal(own[name], other[name])]
        about = {_OF: beside, _TAKES: json.dumps(takes)}
        own = {name: part for name, part in own.items() if name not in takes}
    save_file(own, path, metadata=about)


def unpack(path: Path) -> dict[str, FloatArray]:
    """Return the weights of a file that `pack` wrote, float32.

    Raises:
        ModelError: the file is none.
    """
    packed = _tensors(path, lambda file, key: file.get_tensor(key))
    with _named(path):
        return {name: _read(packed, name) for key in packed if (name := _name(key))}


def sizes(path: Path) -> dict[str, int]:
    """Return how many numbers each tensor has, from the header of a file.

    Raises:
        ModelError: the file is none.
    """
    shapes = _tensors(path, lambda file, key: file.get_slice(key).get_shape())
    return {
        name: math.prod(shape) * (2 if key.endswith(_GROUPS) else 1)
        for key, shape in shapes.items()
        if (name := _name(key))
    }


def files(path: Path) -> list[Path]:
    """Return the files that a model's weights lie in: its own, and the one that it takes some of.

    Raises:
        ModelError: the file is none.
    """
    return [place for place, _ in _parts(path)]


def _tensors(path: Path, read: Callable[[Any, str], T]) -> dict[str, T]:
    """Return what is read of each tensor, those of the file beside it included."""
    found: dict[str, T] = {}
    for place, keys in _parts(path):
        with _named(path), safe_open(place, framework="numpy") as file:
            found |= {key: read(file, key) for key in keys}
    return found


def _parts(path: Path) -> list[tuple[Path, list[str]]]:
    """Return the file and the one beside it, each with the names of the tensors taken of it."""
    with _named(path):
        with safe_open(path, framework="numpy") as file:
            own, about = list(file.keys()), file.metadata() or {}
        if _OF not in about:
            return [(path, own)]
        takes = json.loads(about[_TAKES])
        if not isinstance(takes, list):
            raise TypeError("what it takes of another model is no list")
        return [(path, own), (_beside(path, about[_OF]), [str(name) for name in takes])]


@contextmanager
def _named(path: Path) -> Generator[None]:
    """Say which file cannot be read: safetensors, numpy and json each raise errors of their own."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        message = f"the weights {path} cannot be read: {error!r}"
        raise ModelError(message) from error


def _beside(path: Path, folder: str) -> Path:
    # No separator and no "..", so that a model's file cannot name one elsewhere.
    if not re.fullmatch(r"\w[\w.-]*", folder):
        message = f"{path} takes weights of {folder!r}, which is no name of a folder"
        raise ModelError(message)
    return path.parent.with_name(folder) / FILE


def _require(fits: bool, name: str) -> None:
    if not fits:
        message = f"the numbers of {name} do not fit their scales"
        raise ValueError(message)


def _name(key: str) -> str:
    """Return the name of the weights that a tensor holds; of a scale, nothing."""
    return "" if key.endswith(_SCALE) else key.removesuffix(_ROWS).removesuffix(_GROUPS)


def _rounded(values: FloatArray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return whole numbers up to `most`, and what each row of them is multiplied by."""
    # The scale is rounded first, so that the numbers fit the scale that is read back.
    scale = (np.abs(values).max(1, keepdims=True) / most).astype(np.float16)
    by = np.where(scale > 0, scale, 1).astype(np.float32)
    return np.clip(np.rint(values / by), -most, most), scale


def _read(packed: Mapping[str, np.ndarray], name: str) -> FloatArray:
    if name in packed:
        return packed[name].astype(np.float32)
    scale = packed[name + _SCALE].astype(np.float32)
    # Shapes first: one row of scales for another row of numbers would ask for their product.
    if name + _ROWS in packed:
        rows = packed[name + _ROWS]
        _require(rows.dtype == np.int8 and scale.shape == (len(rows), 1), name)
        return rows.astype(np.float32) * scale
    both = packed[name + _GROUPS]
    blocks, left = divmod(2 * both.shape[1], _GROUP)
    _require(both.dtype == np.uint8 and scale.shape == (len(both), blocks) and not left, name)
    groups = np.stack([both & 15, both >> 4], -1).reshape(len(both), -1, _GROUP)
    return ((groups.astype(np.float32) - 8) * scale[..., None]).reshape(len(both), -1)
