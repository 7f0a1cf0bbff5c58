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
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from engine.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.types import FloatArray

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
    try:
        packed = load_file(path)
        for other, name in _taken(path):
            with safe_open(other, framework="numpy") as file:
                packed[name] = file.get_tensor(name)
        return {name: _read(packed, name) for key in packed if (name := _name(key))}
    except Exception as error:  # safetensors raises its own, numpy its own
        message = f"the weights {path} cannot be read: {error}"
        raise ModelError(message) from error


def sizes(path: Path) -> dict[str, int]:
    """Return how many numbers each tensor has, from the header of a file.

    Raises:
        ModelError: the file is none.
    """
    found: dict[str, int] = {}
    try:
        with safe_open(path, framework="numpy") as file:
            places = [(path, key) for key in file.keys()]  # noqa: SIM118 - it is no mapping
        for place, key in [*places, *_taken(path)]:
            if name := _name(key):
                with safe_open(place, framework="numpy") as file:
                    count = int(np.prod(file.get_slice(key).get_shape()))
                found[name] = count * (2 if key.endswith(_GROUPS) else 1)
    except (SafetensorError, OSError) as error:
        message = f"the weights {path} cannot be read: {error}"
        raise ModelError(message) from error
    return found


def _beside(path: Path, folder: str) -> Path:
    if folder != Path(folder).name:
        message = f"{path} takes weights of {folder!r}, which is no name of a folder"
        raise ModelError(message)
    return path.parent.with_name(folder) / FILE


def _taken(path: Path) -> list[tuple[Path, str]]:
    """Return the file and the name of each tensor that a file takes from the one beside it."""
    with safe_open(path, framework="numpy") as file:
        about = file.metadata() or {}
    if _OF not in about:
        return []
    other = _beside(path, about[_OF])
    return [(other, name) for name in json.loads(about[_TAKES])]


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
    if name + _ROWS in packed:
        return packed[name + _ROWS].astype(np.float32) * scale
    both = packed[name + _GROUPS]
    groups = np.stack([both & 15, both >> 4], -1).reshape(len(both), -1, _GROUP)
    return ((groups.astype(np.float32) - 8) * scale[..., None]).reshape(len(both), -1)
