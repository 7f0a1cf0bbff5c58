# pyright: basic
"""LEAF (safetensors, huggingface_hub): what a model's folder holds, before anything is loaded.

Everything that a model may not do is decided here, on files: no pickled weights, no code of its
own, no modules from outside sentence-transformers.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from engine import bundled, compact
from engine.errors import ModelError
from engine.jsonfile import read_json
from engine.rerankers.settings import ModelSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["bi-encoder", "cross-encoder"]
# bfloat16 is 1.7 times as fast on a CPU that multiplies it (avx512_bf16), and slow on one that does
# not. It moves a logit by up to 5 % of the logits' spread: on 60 MedQuAD queries the best of 20
# stayed the same for 98 %, the order of the best ten for 77 % (nDCG@10 0.681, float32 0.686). Hence
# float32 unless asked. Dynamic int8 (another 1.4 times) was left out: it correlates 0.91 with
# float32 where bfloat16 does 0.9998.
Precision = Literal["float32", "bfloat16"]

# What a download may bring: neither pickled weights nor Python files.
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model"]
_UNWANTED = ["onnx/*", "openvino/*"]
# What is said about a model changes no logit.
_SAID = {"shortlist.json", "README.txt"}
_READ = {".json", ".safetensors", ".txt", ".model"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder that may be loaded: its name for people, its kind, and its tensors' sizes."""

    folder: Path
    name: str
    kind: Kind
    tensors: dict[str, int]
    settings: ModelSettings

    @property
    def parameters(self) -> int:
        """Numbers in all tensors."""
        return sum(self.tensors.values())

    def fingerprint(self, precision: Precision) -> str:
        """Return a digest of all that its logits depend on: 0.1 s for 90 MB."""
        digest = hashlib.blake2b(f"{self.kind} {precision}".encode(), digest_size=16)
        for path in sorted(self.folder.rglob("*")):
            if (
                path.suffix in {".json", ".safetensors", ".txt", ".model"}
                and path.name not in _SAID
            ):
                digest.update(path.relative_to(self.folder).as_posix().encode())
                digest.update(_digest(path))
        own = self.folder / compact.FILE
        for path in compact.files(own) if own.is_file() else []:
            if path != own:
                digest.update(_digest(path))
        return digest.hexdigest()


def resolve(model: str) -> Path:
    """Return the folder of a model: itself, one that comes along, or a hub's, downloaded.

    Raises:
        ModelError: it is no folder, and the hub does not know it or cannot be reached.
    """
    if Path(model).is_dir():
        return Path(model)
    if model == bundled.MINILM:
        return bundled.minilm_folder()
    ours = bundled.models()
    if model in ours:
        return ours[model]
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", model):
        message = (
            f"no model at {model}: it is neither a folder nor a hub name (owner/model), nor one"
            f" that comes along ({', '.join(ours)})"
        )
        raise ModelError(message)
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(model, allow_patterns=_WANTED, ignore_patterns=_UNWANTED)
    except Exception as error:  # offline, unknown, gated, a broken proxy: a dozen types
        reason = str(error).strip().split("\n")[0]
        message = f"no model {model}: it is no folder, and the hub did not give it: {reason}"
        raise ModelError(message) from error
    return Path(folder)


def inspect(folder: Path, name: str) -> Checkpoint:
    """Return what a folder holds.

    Raises:
        ModelError: the folder holds no model, or one that must not be loaded.
    """
    if not (folder / "config.json").is_file():
        message = f"{name} is not a reranking model: {folder / 'config.json'} is missing"
        raise ModelError(message)
    kind = _kind(folder, name)
    return Checkpoint(
        folder=folder,
        name=name,
        kind=kind,
        tensors=_tensors(folder, name),
        settings=ModelSettings.read(folder),
    )


@contextlib.contextmanager
def loadable(folder: Path) -> Iterator[Path]:
    """Give a folder that sentence-transformers loads: a compact model's with its weights unpacked.

    Raises:
        ModelError: its weights cannot be read.
    """
    if not (folder / compact.FILE).is_file():
        yield folder
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as plain:
        expand(folder, Path(plain))
        yield Path(plain)


def expand(folder: Path, plain: Path) -> None:
    """Write a compact model as one that any program reads, float32, into a folder that is there.

    Raises:
        ModelError: its weights cannot be read.
    """
    weights = compact.unpack(folder / compact.FILE)
    for path in folder.iterdir():
        if path.is_file() and path.name != compact.FILE:
            shutil.copyfile(path, plain / path.name)
    save_file(weights, plain / "model.safetensors")


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def _kind(folder: Path, name: str) -> Kind:
    """Tell a bi-encoder by its pooling; a cross-encoder has no module besides its transformer."""
    path = folder / "modules.json"
    modules = read_json(path) if path.is_file() else []
    for module in modules:
        kind = str(module.get("type"))
        if not kind.startswith("sentence_transformers."):
            message = f"{name} is made of code that is not sentence-transformers' own: {kind}"
            raise ModelError(message)
        place = folder / str(module.get("path", ""))
        if (place / "pytorch_model.bin").is_file() and not any(place.glob("*.safetensors")):
            raise _pickled(name, place / "pytorch_model.bin")
    return "bi-encoder" if any("Pooling" in str(m["type"]) for m in modules) else "cross-encoder"


def _tensors(folder: Path, name: str) -> dict[str, int]:
    """Return the trained numbers in each tensor, read from the headers of the files."""
    if (folder / compact.FILE).is_file():
        return compact.sizes(folder / compact.FILE)
    paths = sorted(folder.glob("model*.safetensors"))
    if not paths:
        for pickled in (*folder.glob("*.bin"), *folder.glob("*.pt")):
            raise _pickled(name, pickled)
        message = f"{name} has no weights: {folder / 'model.safetensors'} is missing"
        raise ModelError(message)
    sizes: dict[str, int] = {}
    for path in paths:
        try:
            with safe_open(path, framework="numpy") as file:
                for key in file.keys():  # noqa: SIM118 - it is no mapping
                    tensor = file.get_slice(key)
                    # Whole numbers are positions and the like, not trained.
                    trained = "F" in tensor.get_dtype()
                    sizes[key] = math.prod(tensor.get_shape()) if trained else 0
        except (SafetensorError, OSError) as error:
            message = f"the weights {path} cannot be read: {error}"
            raise ModelError(message) from error
    return sizes


def _pickled(name: str, path: Path) -> ModelError:
    return ModelError(
        f"{name} has its weights in {path.name}, a pickle, which can run code when it is loaded:"
        " save the model as safetensors"
    )
