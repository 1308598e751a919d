"""The estimate of tokens, against counts of three real vocabularies taken once (token_counts.json).

They were counted with gpt-tokenizer 4 (o200k_base, cl100k_base) and Anthropic's published tokenizer of Claude 2.
"""

import json
import re
from itertools import groupby
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyxcore.llm.tokens import count

COUNTED = json.loads(Path(__file__).with_name("token_counts.json").read_text())
CUT_FINER = {"finnish": 0.65}  # the one language of these that is undercounted
NEWER_KNOW_MORE = {"arabic": 3.6, "hindi": 3.6, "russian": 2.2, "french": 2.2, "german": 2.2}


@pytest.mark.parametrize("kind", COUNTED)
def test_it_hardly_ever_undercounts(kind: str) -> None:
    real = max(COUNTED[kind][vocabulary] for vocabulary in ("o200k", "cl100k", "claude2"))
    assert count(COUNTED[kind]["text"], "openai:gpt-5") >= real * CUT_FINER.get(kind, 0.9)


@pytest.mark.parametrize("kind", COUNTED)
def test_it_does_not_overcount_so_much_that_context_is_wasted(kind: str) -> None:
    assert count(COUNTED[kind]["text"], "openai:gpt-5") <= COUNTED[kind]["o200k"] * NEWER_KNOW_MORE.get(
        kind, 1.8
    )


def test_claude_is_allowed_a_finer_vocabulary_whoever_serves_it() -> None:
    text = COUNTED["english"]["text"]
    for model in ("anthropic:claude-opus-5", "bedrock:eu.anthropic.claude-sonnet-5-v1:0"):
        assert count(text, model) > 1.3 * count(text, "openai:gpt-5")


def test_nothing_has_no_tokens_and_anything_has_some() -> None:
    assert count("", "offline") == 0
    assert count("a", "offline") == 1


def test_more_text_never_has_fewer_tokens() -> None:
    text = COUNTED["python"]["text"]
    counts = [count(text[:end], "offline") for end in range(0, len(text), 50)]
    assert counts == sorted(counts)


def test_a_hostile_text_takes_no_longer_than_any_other() -> None:
    for unit in ("\x0b ", " \r", "a-", "é", "\ud800", "0"):
        assert count(unit * 100_000, "offline") > 0


PIECE = re.compile(
    r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]| ?[0-9]{1,3}|[\u00c0-\u024f]+|[\u2e80-\u9fff]+"
    r"|[\r\n]+|[ \t]{2,}|[!-/:-@\[-`{-~]+|[^ ]"
)


def charge(piece: str) -> float:
    """What a piece of PIECE costs."""
    last, length = piece[-1], len(piece)
    if not last.isascii():
        return length * (1.2 if last < "\u0250" else 1.1)
    if last.islower():
        return 0.56 * length if length > 20 else 1 + 0.3 * max(0, length - 7)
    if last.isupper():
        return 0.45 * length if length > 1 else 0.85
    if last.isdigit():
        return 2.0 if piece[0] == " " else 1.0
    if last.isspace():
        return 0.95 + 0.02 * length
    return sum(0.75 + 0.016 * len(list(run)) for _, run in groupby(piece))


def piece_by_piece(text: str) -> int:
    pieces = PIECE.findall(text)
    words = [piece for piece in pieces if "a" <= piece[-1] <= "z"]
    accents = sum("\u00c0" <= piece[-1] <= "\u024f" for piece in pieces)
    finer = min(0.6, 10 * accents / (1 + sum(map(len, words))))
    return ceil(sum(map(charge, pieces)) + finer * sum(map(charge, words)))


SOME = st.sampled_from(
    [*"aabcXYZ012 .,-_(#\t\n\r\u00e9\u00fc\u65e5\u672c", "a" * 7, "b" * 13, "XY", "  ", "--"]
)


@given(
    st.lists(SOME, max_size=200)
    .map("".join)
    .filter(lambda text: re.search(r"[A-Za-z0-9+/]{40}", text) is None)
)
def test_counting_all_at_once_is_counting_piece_by_piece(text: str) -> None:
    assert abs(count(text, "offline") - piece_by_piece(text)) <= 1  # in another order, a sum rounds otherwise


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("x", 1),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 47),
        ("sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, and", 50),
        ("/" * 80, 3),
        ("a" * 50 + "." + "b" * 50, 57),
    ],
)
def test_hashes_and_other_long_runs_are_charged_by_their_length(text: str, tokens: int) -> None:
    assert count(text, "offline") == tokens
