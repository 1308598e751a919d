"""What the static tools found, as prompts see it."""

from __future__ import annotations

from typing import Any

import pytest

from nyxcore.findings.models import Finding
from nyxcore.ids import uuid7
from nyxcore.llm.offline.findings import findings_of
from nyxcore.llm.offline.reading import Block
from nyxcore.steps.facts import SHOWN, rendered

RUN = uuid7()


def finding(line: int, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "id": uuid7(), "run_id": RUN, "category": "error-handling", "severity": "low", "rule": "ruff:B904",
        "title": "Raise from", "message": "Raise with `from`", "file": "a.py", "start_line": line,
        "end_line": line, "state": "no_fix", "reason": None, "fix_id": None, "source": "ruff",
        "fingerprint": f"{line:064x}",
    }  # fmt: skip
    return Finding(**values | changes)


def test_what_is_said_of_several_places_stands_once_with_all_of_them() -> None:
    found = [finding(9), finding(3, state="fixed"), finding(5, file="b.py")]
    text = rendered(found, files=2, run_id=RUN)
    assert text.startswith(
        "Static analysis of 2 files found 3 problems in 2 files; each kind counted once: 1."
    )
    assert text.count("Raise with `from`") == 1
    assert "`ruff:B904`: Raise with `from` at `a.py`:3/9, `b.py`:5 (verified fixes: 1)" in text


def test_the_gravest_come_first_then_the_most_frequent() -> None:
    found = [
        finding(1, rule="ruff:C1", message="once"),
        *(finding(line, rule="ruff:C2", message="twice") for line in (2, 3)),
        finding(4, severity="critical", rule="ruff:S1", message="grave"),
    ]
    text = rendered(found, files=1, run_id=RUN).partition("## Findings")[2]
    assert text.index("grave") < text.index("twice") < text.index("once")


def test_a_text_that_was_written_by_a_repository_opens_no_markup() -> None:
    text = rendered([finding(1, message="# a heading\n![x](http://evil.example)")], files=1, run_id=RUN)
    assert "![" not in text
    assert "\n# a heading" not in text


def test_more_kinds_than_are_shown_are_counted_with_the_way_to_all_of_them() -> None:
    found = [finding(line, message=f"number {line}") for line in range(1, SHOWN + 4)]
    assert f"And 3 more, the least grave: GET /api/v1/runs/{RUN}/findings" in rendered(
        found, files=1, run_id=RUN
    )


def test_the_offline_model_knows_every_finding_again() -> None:
    found = [finding(1), finding(2, severity="high", message="other")]
    read = findings_of([Block("facts", rendered(found, files=1, run_id=RUN).splitlines())])
    assert [each.severity for each in read] == ["high", "low"]


def test_one_is_told_as_one() -> None:
    text = rendered([finding(3)], files=1, run_id=RUN)
    assert text.startswith("Static analysis of 1 file found 1 problem in 1 file; each kind counted once: 1.")
    places = [finding(line) for line in range(1, 14)]
    assert " and 1 more line\n" in rendered(places, files=1, run_id=RUN)
    places = [finding(1, file=f"{letter}.py") for letter in "abcdefg"]
    assert " and 1 more place\n" in rendered(places, files=7, run_id=RUN)
    assert rendered([], files=1, run_id=RUN) == "Static analysis of 1 file found nothing.\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [(10, "## Files with most findings\n"), (13, "## Files with most findings, 10 of 13\n")],
)
def test_the_files_that_the_list_leaves_out_are_counted(files: int, told: str) -> None:
    found = [finding(1, file=f"{number:02}.py", message=f"m{number}") for number in range(files)]
    text = rendered(found, files=90, run_id=RUN)
    assert text.count(": 1 of the findings\n") == 10
    assert text.startswith(f"Static analysis of 90 files found {files} problems in {files} files;")
    assert told in text


def test_a_message_that_ends_with_a_full_stop_goes_on_with_its_place() -> None:
    text = rendered([finding(1, message="Merge them. Use a set.")], files=1, run_id=RUN)
    assert "Merge them. Use a set at `a.py`:1" in text


def test_nothing_found_is_said_in_a_sentence() -> None:
    assert rendered([], files=1_234, run_id=RUN) == "Static analysis of 1,234 files found nothing.\n"
