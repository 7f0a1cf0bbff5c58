"""The official OpenAI client: embeddings and models."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.clients.asking import KEY, TEXTS, post

openai: Any = pytest.importorskip("openai", reason="make test-clients installs it")


def client(url: str, key: str = KEY, retries: int = 0) -> Any:  # noqa: ANN401 - the client
    return openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=retries)


def vectors(answer: Any) -> list[list[float]]:  # noqa: ANN401 - the client's own type
    assert [item.index for item in answer.data] == list(range(len(answer.data)))
    return [item.embedding for item in answer.data]


def test_embeddings(url: str) -> None:
    expected = post(f"{url}/embed", {"inputs": TEXTS})
    embeddings = client(url).embeddings
    # The client asks for base64 unless it is told not to.
    answer = embeddings.create(model="any", input=TEXTS)
    assert answer.usage.total_tokens > 0
    assert answer.model
    for encoding in ({}, {"encoding_format": "float"}):
        found = vectors(embeddings.create(model="any", input=TEXTS, **encoding))
        for row, wanted in zip(found, expected, strict=True):
            assert row == pytest.approx(wanted, abs=1e-7)
    short = vectors(embeddings.create(model="any", input=TEXTS[0], dimensions=32))
    assert len(short[0]) == 32
    assert math.hypot(*short[0]) == pytest.approx(1, abs=1e-6)


def test_models(url: str) -> None:
    assert len([model.id for model in client(url).models.list()]) == 2


@pytest.mark.parametrize(
    ("status", "name"), [(429, "RateLimitError"), (503, "InternalServerError")]
)
def test_it_comes_back_when_the_server_says_so(failing: str, status: int, name: str) -> None:
    patient = client(failing, f"{status}-2-openai", retries=2)
    assert vectors(patient.embeddings.create(model="any", input="cats"))
    with pytest.raises(getattr(openai, name)) as error:
        client(failing, f"{status}-99-openai").embeddings.create(model="any", input="cats")
    assert error.value.body["message"] == "come back in a second"


def test_errors(url: str) -> None:
    with pytest.raises(openai.AuthenticationError, match="API key"):
        client(url, "wrong").embeddings.create(model="any", input="cats")
    embeddings = client(url).embeddings
    with pytest.raises(openai.BadRequestError) as empty:
        embeddings.create(model="any", input=[])
    assert empty.value.body["message"] == "input is empty: there is nothing to do"
    with pytest.raises(openai.UnprocessableEntityError) as numbers:
        embeddings.create(model="any", input=[[1, 2], [3]])
    assert (numbers.value.param, numbers.value.type) == ("input", "invalid_request_error")
    with pytest.raises(openai.APIStatusError) as large:
        embeddings.create(model="any", input=["a" * 33_000_000])
    assert large.value.status_code == 413
    with pytest.raises(openai.NotFoundError, match="base_url must not end in /v1"):
        client(f"{url}/v1").embeddings.create(model="any", input="a")
