# pyright: basic
"""LEAF (huggingface_hub): a model that passed the gate becomes a repository of the hub.

Everything that can be known before a training is asked before it: the name, the network, the token
and what it may do, and whether the hub reads the head of the card.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from huggingface_hub import HfApi, ModelCard, get_token, is_offline_mode
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils import disable_progress_bars, validate_repo_id

from engine.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# What was mined and asked are a person's questions and documents, which nobody asked to publish.
_KEPT_BACK: Final = ["training/*"]
_WRITING: Final = ("write", "admin", "contributor")  # roles in an organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A repository of the hub.

    Attributes:
        repository: `owner/name`.
        private: whether a new one is seen by its owners alone.
    """

    repository: str
    private: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError if there can be no repository of that name."""
        try:
            validate_repo_id(self.repository)
        except HFValidationError as error:
            raise UsageError(f"--push-to-hub {self.repository}: {error}") from error
        if "/" not in self.repository:
            raise UsageError(f"--push-to-hub {self.repository}: give its owner too, as owner/name")

    def require_possible(self, card: str) -> None:
        """Ask the hub whether it will take the model, whose card begins like this one.

        Raises:
            UsageError: if it will not: nobody is logged in, the token must not write there, the
                repository is public though it should be private, or the card is not valid.
            ModelError: if the hub cannot be asked.
        """
        if is_offline_mode():
            raise UsageError(
                "--push-to-hub needs a network, and HF_HUB_OFFLINE is set; train without it, and"
                f" later: hf upload {self.repository} MODEL --exclude 'training/*'"
            )
        if not get_token():
            raise UsageError(
                "--push-to-hub: nobody is logged in; run hf auth login, or set HF_TOKEN"
            )
        with _asked("the hub cannot be asked whether it will take the model"):
            self._require_right(HfApi().whoami())
            self._require_private()
            self._require_valid(card)

    def _require_right(self, who: dict[str, Any]) -> None:
        owner = self.repository.partition("/")[0]
        roles = {str(one["name"]): one.get("roleInOrg", "write") for one in who.get("orgs", ())}
        may = [who["name"], *(name for name, role in roles.items() if role in _WRITING)]
        if owner not in may:
            raise UsageError(
                f"--push-to-hub {self.repository}: {who['name']} may write to {', '.join(may)}, not"
                f" to {owner}"
            )
        if who.get("auth", {}).get("accessToken", {}).get("role") == "read":
            raise UsageError(
                "--push-to-hub: the token may only read; make one that may write, in the settings"
                " of your account"
            )

    def _require_private(self) -> None:
        try:
            there = HfApi().model_info(self.repository)
        except RepositoryNotFoundError:
            return
        if self.private and not there.private:
            raise UsageError(
                f"--push-to-hub {self.repository}: it is there already and public; give another"
                " name, or leave --private out"
            )

    def _require_valid(self, card: str) -> None:
        try:
            ModelCard(card).validate()
        except ValueError as error:
            raise UsageError(
                f"--push-to-hub: the hub refuses the card: {_line(error)}; look at --license and"
                " --language"
            ) from error

    def upload(self, folder: Path) -> str:
        """Upload a model, but for the questions and documents in `training`; return its address.

        Raises:
            ModelError: if the hub does not take it.
        """
        disable_progress_bars()
        later = f"hf upload {self.repository} {folder} --exclude 'training/*'"
        with _asked(f"{folder} is saved, but not published; try again with: {later}"):
            api = HfApi()
            place = api.create_repo(self.repository, private=self.private or None, exist_ok=True)
            api.upload_folder(
                repo_id=self.repository,
                folder_path=folder,
                ignore_patterns=_KEPT_BACK,
                commit_message="Upload a reranker trained by shortlist",
            )
        return str(place)


@contextmanager
def _asked(what: str) -> Generator[None]:
    """Make one sentence of what the library raises: a dozen types, from several libraries."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        raise ModelError(f"{what} ({_line(error)})") from error


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
