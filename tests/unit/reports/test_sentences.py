"""Every sentence that the product stores in rows is known to the reports, in both languages."""

from __future__ import annotations

import pytest

from nyxcore.analysis import wording
from nyxcore.analysis.candidates import MOST_CANDIDATES
from nyxcore.analysis.models import Candidate, Edit, Finding, Options, Proposal, Verdict, Withheld
from nyxcore.analysis.project import read_settings
from nyxcore.reports.language import language_of
from nyxcore.reports.sentences import in_language

EN, DE = language_of("en"), language_of("de")
SAFE, UNSAFE = (Proposal((Edit(0, 1, b""),), safe=safe) for safe in (True, False))


def engine_finding(
    rule: str = "ruff:F401", proposal: Proposal | None = SAFE, withheld: Withheld | None = None
) -> Finding:
    return Finding(rule, "m", 0, 1, 1, 1, proposal, withheld)


def verdict(outcome: str, cause: tuple[str, str, int] | None = None) -> Verdict:
    return Verdict(Candidate((), (0,), True), outcome, cause)  # type: ignore[arg-type]


OPTIONS = Options()
CAUSE = ("ruff:F821", "Undefined name `x` (y), and more", 12)
SENTENCES = [
    wording.no_offer(engine_finding("ruff:invalid-syntax"), OPTIONS, parses=True, too_many=False),
    *(
        wording.no_offer(engine_finding(withheld=why), OPTIONS, parses=True, too_many=False)
        for why in wording._WITHHELD
    ),
    wording.no_offer(engine_finding("ast-grep:no-eval", None), OPTIONS, parses=True, too_many=False),
    wording.no_offer(engine_finding(), OPTIONS, parses=False, too_many=False),
    wording.no_offer(engine_finding(proposal=UNSAFE), OPTIONS, parses=True, too_many=False),
    wording.no_offer(engine_finding(), OPTIONS, parses=True, too_many=True),
    wording.no_offer(engine_finding(), OPTIONS, parses=True, too_many=False),
    wording.held(["x"], ["a.py"]),
    wording.held(["x", "y"], ["a.py", "b.py"]),
    wording.held(["x"], ["a.py"] * 19),
    wording.rejected(verdict("too_many")),
    wording.rejected(verdict("deferred")),
    wording.rejected(verdict("unscannable")),
    wording.rejected(verdict("broken", CAUSE)),
    wording.rejected(verdict("not_gone", CAUSE)),
    wording.rejected(verdict("new_finding", CAUSE)),
    wording.not_combined(),
    wording.refused("git"),
    wording.refused("compiler"),
    wording.restless(8),
    "the run failed before this was settled",
    "the run was cancelled before this was settled",
    "it is not UTF-8",
    "the scan of it took too much time or memory",
    *read_settings({"setup.cfg": b"\xff"}).notes,
]  # fmt: skip


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_stored_sentence_is_known_and_stays_as_it_is_in_english(sentence: str) -> None:
    known = in_language(sentence, EN)
    assert known.name != sentence
    assert known.text == sentence


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_stored_sentence_is_told_in_german(sentence: str) -> None:
    known = in_language(sentence, DE)
    assert known.text != sentence
    assert "{" not in known.text + known.general


def test_each_reason_is_a_sentence_of_its_own() -> None:
    assert len({in_language(sentence, EN).name for sentence in SENTENCES}) == len(set(SENTENCES))


def test_what_belongs_to_a_place_is_kept_in_the_whole_and_left_out_of_the_general() -> None:
    known = in_language(wording.rejected(verdict("new_finding", CAUSE)), DE)
    assert "F821, Undefined name `x` (y), and more (Zeile 12)" in known.text
    assert "F821" not in known.general


def test_a_number_in_a_sentence_is_written_as_the_language_does() -> None:
    too_many = wording.no_offer(engine_finding(), OPTIONS, parses=True, too_many=True)
    assert f"{MOST_CANDIDATES:,}" in too_many
    assert DE.number(MOST_CANDIDATES) in in_language(too_many, DE).text


def test_what_a_person_wrote_stays_as_it_is() -> None:
    said = "This {field} is 100 % fine."
    assert in_language(said, DE).text == said == in_language(said, DE).name
