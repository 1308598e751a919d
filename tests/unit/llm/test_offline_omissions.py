"""What the offline model may not leave out in silence, and what it may not repeat."""

from __future__ import annotations

import re

from nyxcore.llm.offline.answering import answer


def text(prompt: str) -> str:
    return answer("", prompt, None, 4000).text


def section(markdown: str, title: str) -> str:
    found = re.search(rf"(?ms)^## {re.escape(title)}.*?(?=^## |\Z)", markdown)
    assert found is not None, f"no section {title!r} in\n{markdown}"
    return found[0]


def test_files_of_which_the_same_is_said_are_all_named_in_their_order() -> None:
    counts = {"app": 5, "cli": 4, "config": 3, "tests/test_json": 2, "json/tag": 1, "sessions": 1}
    listed = "\n".join(f"- `{name}.py`: {count} of the findings" for name, count in counts.items())
    written = text(
        f"Describe it.\n\n<o>\n{listed}\n</o>\n\n## Where the findings lie\nThe files with most.\n## Purpose\n"
    )
    found = re.findall(r"- `([\w/]+)\.py`: \d of", section(written, "Where the findings lie"))
    assert found == list(counts)
    assert all(f"`{name}.py`" in text(f"Summarise this.\n\n<o>\n{listed}\n</o>") for name in counts)


def test_a_question_is_no_evidence_no_position_and_no_open_question_beside_itself() -> None:
    written = text(
        "Answer this:\n\n<untrusted-1 source='input'>\n"
        "Should redirects keep the header that has a risk?\n</untrusted-1>\n\n"
        "## Task\n## Open questions\n## Position\n## Ways in\nThe headers that redirects keep.\n"
    )
    assert re.findall(r"(?m)^## (.*)", written) == ["Task"]
    assert "> The material says nothing about: Open questions, Position, Ways in." in written


def test_points_of_which_none_is_answered_are_named_in_one_line() -> None:
    written = text(
        "Write for each:\n\n- the weather\n- the harvest\n\n<o>\nThe cache is emptied by a job.\n</o>"
    )
    assert "> The material says nothing about: the weather; the harvest." in written
    assert "about this" not in written


def test_findings_that_an_earlier_answer_had_no_room_for_are_not_lost_in_silence() -> None:
    facts = "\n".join(f"- **low**: bug `ruff:B{n}`: number {n} is wrong at `a.py`:{n}" for n in range(1, 31))
    form = "\n\n## Evidence\n## Exploitable\n"
    first = text(f"Weigh this:\n\n<o>\n{facts}\n</o>{form}")
    assert "- and 18 more" in first
    assert text(f"Weigh this. Every finding stands once.\n\n<o>\n{facts}\n</o>{form}").count("ruff:B") == 30
    second = text(f"Write the report.\n\n<untrusted-1 source='steps.triage.content'>{first}</untrusted-1>")
    assert "> Not listed: 18 findings of which the material has only the number" in second
    assert "Not listed" not in text(f"Write it.\n\n<p>\n{first}\n</p>\n\n<o>\n{facts}\n</o>")
