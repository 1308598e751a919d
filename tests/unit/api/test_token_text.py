"""The written form of tokens and tickets."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from nyxcore.idempotency.sealing import seal, unseal
from nyxcore.tenancy import tokens


def test_a_token_names_its_tenant_and_has_256_random_bits() -> None:
    tenant = uuid4()
    minted = {tokens.mint("nyx", tenant) for _ in range(100)}
    assert len(minted) == 100
    assert 62**43 > 2**256
    for text in minted:
        assert re.fullmatch(rf"nyx_{tenant.hex}_[0-9A-Za-z]{{43}}", text)
        assert tokens.tenant_of("nyx", text) == tenant


def test_a_ticket_is_no_token_and_a_token_no_ticket() -> None:
    tenant = uuid4()
    assert tokens.tenant_of("nyx", tokens.mint("nyxt", tenant)) is None
    assert tokens.tenant_of("nyxt", tokens.mint("nyx", tenant)) is None
    assert tokens.tenant_of("nyxt", tokens.mint("nyxt", tenant)) == tenant


@pytest.mark.parametrize(
    "text", ["", "nyx", "nyx__", "nyx_zz_zz", "nyx_" + "0" * 32 + "_" + "A" * 42, "é" * 80, "nyx_" + "0" * 76]
)
def test_what_is_no_token_names_no_tenant(text: str) -> None:
    assert tokens.tenant_of("nyx", text) is None


def test_a_token_with_more_after_it_is_none() -> None:
    assert tokens.tenant_of("nyx", tokens.mint("nyx", UUID(int=1)) + "\n") is None


def test_a_sealed_answer_opens_with_the_same_credential_alone() -> None:
    sealed = seal("Bearer a", "the answer")
    assert "answer" not in sealed
    assert sealed != seal("Bearer a", "the answer")
    assert unseal("Bearer a", sealed) == "the answer"
    assert unseal("Bearer b", sealed) is None
