"""Judging and combining, with rules made to get into each other's way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from toy_scanner import DEAD, OTHER, UNUSED, ToyScanner, on_match, report, settle

from nyxcore.analysis.edits import apply
from nyxcore.analysis.judge import Subject
from nyxcore.analysis.reports import Report


def _outcomes(subject: Subject) -> list[str]:
    return [verdict.outcome for verdict in subject.results()]


def _unused(text: str) -> Iterator[Report]:
    """`import x` is unused, and can be removed, when no line uses x."""
    for match in re.finditer(r"(?m)^import (\w+)\n", text):
        if f"use {match[1]}" not in text:
            yield report(text, UNUSED, f"{match[1]} unused", match.span(), (*match.span(), ""))


DROP_DEAD = on_match(DEAD, r"    dead.*\n", lambda _: "")


def test_a_fix_that_does_not_remove_its_finding_is_rejected() -> None:
    scanner = ToyScanner(on_match(DEAD, "bad.?", lambda _: "bad!"))
    assert _outcomes(scanner.judged(b"bad?\n")) == ["not_gone"]


def test_a_fix_that_brings_up_something_else_is_rejected_with_what_it_brought() -> None:
    scanner = ToyScanner(
        on_match(DEAD, "bad", lambda _: "worse"), on_match(OTHER, "worse", lambda _: None, "so")
    )
    [verdict] = scanner.judged(b"1\nbad\n").results()
    assert (verdict.outcome, verdict.cause) == ("new_finding", (OTHER, "so", 2))


def test_a_fix_that_breaks_the_syntax_is_rejected_as_broken() -> None:
    scanner = ToyScanner(
        on_match(DEAD, "bad", lambda _: "("), on_match("ruff:invalid-syntax", r"\(", lambda _: None)
    )
    assert _outcomes(scanner.judged(b"bad\n")) == ["broken"]


def test_a_fix_takes_in_the_one_for_what_it_brought_up_in_its_own_text() -> None:
    steps = {"v0": "v1", "v1": "v2", "v2": "v3"}
    scanner = ToyScanner(
        on_match(DEAD, "v0", lambda match: steps[match[0]]),
        on_match(OTHER, "v[12]", lambda match: steps[match[0]]),
    )
    [verdict] = scanner.judged(b"a v0 b\n").results()
    assert (verdict.outcome, verdict.took_in) == ("accepted", (OTHER, OTHER))
    assert apply(b"a v0 b\n", verdict.candidate.edits) == b"a v3 b\n"


def test_not_more_than_three_are_taken_in() -> None:
    scanner = ToyScanner(
        on_match(DEAD, r"v\b", lambda _: "v1"),
        on_match(OTHER, r"v([1-9])", lambda match: f"v{int(match[1]) % 9 + 1}"),
    )
    [verdict] = scanner.judged(b"v\n").results()
    assert (verdict.outcome, len(verdict.took_in)) == ("new_finding", 3)


def test_a_finding_whose_message_quotes_rewritten_code_is_still_the_same_one() -> None:
    def quoting(text: str) -> Iterator[Report]:
        for match in re.finditer(r"if .*", text):
            yield report(text, OTHER, f"say `{match[0]}` in another way", match.span(), None)

    scanner = ToyScanner(on_match(DEAD, "bad", lambda _: "good"), quoting)
    assert _outcomes(scanner.judged(b"if bad: x\n")) == ["accepted"]


def test_a_bad_fix_in_a_pack_does_not_take_the_good_ones_with_it() -> None:
    scanner = ToyScanner(
        DROP_DEAD,
        on_match(OTHER, "odd", lambda _: "worse"),
        on_match(UNUSED, "worse", lambda _: None),
    )
    text = "def f():\n    dead\n\ndef g():\n    odd\n\ndef h():\n    dead\n"
    assert _outcomes(scanner.judged(text.encode())) == ["accepted", "new_finding", "accepted"]


def test_groups_of_a_crowded_file_are_halved_until_the_bad_one_is_alone() -> None:
    scanner = ToyScanner(
        DROP_DEAD, on_match(OTHER, "odd", lambda _: "worse"), on_match(UNUSED, "worse", lambda _: None)
    )
    text = "def f():\n" + "    dead\n" * 40 + "    odd\n" + "    dead\n" * 60
    subject = scanner.judged(text.encode())
    assert [verdict.outcome for verdict in subject.results()].count("accepted") == 100
    assert _outcomes(subject)[40] == "new_finding"
    assert scanner.scans < 30
    assert all(verdict.bounded for verdict in subject.results() if verdict.accepted)


def test_what_two_fixes_bring_up_together_is_mended_in_a_later_round_that_needs_them() -> None:
    text = "import x\ndef f():\n    dead use x\ndef g():\n    dead use x\n"
    state = settle(ToyScanner(DROP_DEAD, _unused), {"a.py": text})["a.py"]
    assert state.content == b"def f():\ndef g():\n"
    *first, last = state.fixes
    assert [fix.needs for fix in first] == [(), ()]
    assert set(last.needs) == {fix.key for fix in first}
    assert state.tracked[last.origins[0]].born


def test_what_two_fixes_bring_up_together_and_nothing_may_mend_costs_one_of_them() -> None:
    text = "import x\ndef f():\n    dead use x\ndef g():\n    dead use x\n"
    files = {"a.py": text, "b.py": "from a import x\n    use x\n"}
    state = settle(ToyScanner(DROP_DEAD, _unused), files)["a.py"]
    assert state.content.count(b"dead") == 1
    assert not state.has_debt()


def test_a_file_that_finds_no_rest_in_five_rounds_keeps_nothing() -> None:
    def one_at_a_time(text: str) -> Iterator[Report]:
        for match in re.finditer(r"bad\d ", text):
            start = text.rfind("\n", 0, match.start()) + 1
            end = text.find("\n", start)
            line = text[start : match.start()] + text[match.end() : end]
            yield report(text, DEAD, "m", match.span(), (start, end, line))

    many = "bad1 bad2 bad3 bad4 bad5 bad6 bad7 \n"
    states = settle(ToyScanner(one_at_a_time), {"many.py": many, "few.py": "bad1 bad2 bad3 bad4 \n"})
    assert states["few.py"].content.strip() == b""
    assert [len(fix.needs) for fix in states["few.py"].fixes] == [0, 1, 2, 3]
    assert states["many.py"].content == many.encode()
    assert states["many.py"].withdrawn
    assert states["many.py"].fixes == []


def test_removals_cascade_across_files_to_their_end() -> None:
    files = {
        "one.py": "import x\n",
        "two.py": "import x\nfrom one import y\n",
        "three.py": "import x\nfrom two import y\n",
    }
    states = settle(ToyScanner(_unused), files)
    keys = {path: state.fixes[0].key for path, state in states.items()}
    assert states["three.py"].fixes[0].needs == ()
    assert states["two.py"].fixes[0].needs == (keys["three.py"],)
    assert keys["two.py"] in states["one.py"].fixes[0].needs


def test_the_edits_of_all_fixes_make_the_combined_file_where_later_ones_stand_for_earlier_ones() -> None:
    scanner = ToyScanner(
        on_match(DEAD, r"\{[^{}]*\}", lambda match: f"<{match[0][1:-1]}>"),
        on_match(OTHER, r"odd\d", lambda _: "even"),
    )
    state = settle(scanner, {"a.py": "odd0 {a odd1 b odd2 c} {odd3} z\n"})["a.py"]
    assert state.content == b"even <a even b even c> <even> z\n"
    composed: list[tuple[int, int, bytes]] = []
    for fix in state.fixes:
        for edit in fix.edits:
            composed = [one for one in composed if not (edit.start <= one[0] and one[1] <= edit.end)]
            composed.append((edit.start, edit.end, edit.text))
    result, position = b"", 0
    for start, end, text in sorted(composed):
        assert start >= position
        result += state.pristine[position:start] + text
        position = end
    assert [len(fix.needs) for fix in state.fixes] == [0, 0, 0, 3, 4, 3]
    assert result + state.pristine[position:] == state.content
