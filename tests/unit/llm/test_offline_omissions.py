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


REQUEST = """Answer this:

<untrusted-1 source='input'>
Keep the sessions apart. Do not change the format of the cookie. It must stay possible to run behind a proxy.
Callers that read to the end must not break, and it has to be cheap. Should it be on by default?
</untrusted-1>

"""


def test_what_a_request_says_must_stay_is_no_step_no_risk_and_no_change_of_mind() -> None:
    written = text(f"{REQUEST}## How it is done\n## What speaks against it\n## What would change my mind\n")
    assert re.findall(r"(?m)^\d+\. .*", written) == ["1. Keep the sessions apart. *(input)*"]
    assert "> The material says nothing about: What speaks against it, What would change my mind." in written
    rules = section(text(f"{REQUEST}## Constraints\n## Steps\n"), "Constraints")
    assert all(
        f"- {said}" in rules for said in ("Do not change", "It must stay possible", "Callers that read")
    )


def test_a_short_question_is_not_lost() -> None:
    assert "- Should it be on by default? *(input)*" in section(
        text(f"{REQUEST}## Task\n## Open questions\n"), "Open questions"
    )


def test_what_a_run_is_asked_to_look_at_is_not_the_purpose_of_the_project() -> None:
    written = text(f"{REQUEST}## Purpose\n## Constraints\n")
    assert "## Purpose" not in written


def test_slight_findings_are_urgent_nowhere() -> None:
    facts = "- **medium**: bug `B1`: one is wrong at `a.py`:1\n- **low**: bug `B2`: two is odd at `a.py`:2"
    written = text(f"Make a plan.\n\n<o>\n{facts}\n</o>\n\n## First\n## Next\n## Later\n")
    assert "`B1`" in section(written, "First") and "`B2`" in section(written, "Later")
    assert "> The material says nothing about: Next." in written


def test_of_answers_that_say_the_same_none_is_the_best() -> None:
    same = "\n\n".join(
        f"<untrusted-{n} source='steps.{n}.content'>\nUse a queue for it.\n</untrusted-{n}>" for n in (1, 2)
    )
    form = "\n\n## Best approach\n## Reasons\n## What was rejected, and why\n"
    written = text(f"Name the best approach.\n\n{same}{form}")
    assert "> The material says nothing about: Best approach; Reasons; What was rejected, and why." in written
    other = text(f"Name the best approach.\n\n{same}\n\n<o>\nUse a lock for it.\n</o>{form}")
    assert "## Best approach" in other
    assert "Several have the most points" in other
    assert "It has the most points" not in other


def test_a_report_of_nothing_says_which_sources_were_not_given() -> None:
    before = text(
        'Where there are no policies, write the single section "## None".\n\n(policies is empty: there are none)'
    )
    written = text(f"Write the report.\n\n<untrusted-1 source='steps.a.content'>{before}</untrusted-1>")
    assert written.endswith("take an answer from.\n\n- Not given: policies (there are none)\n")


def test_beside_findings_the_request_is_no_key_statement() -> None:
    facts = "<o>\nThe tools found 1 problem in 2 files.\n- **low**: bug `B1`: one is wrong at `a.py`:1\n</o>"
    written = text(f"Write the report.\n\n{REQUEST}\n\n{facts}")
    assert "The tools found 1 problem" in section(written, "Key statements")
    assert "Keep the sessions apart" not in section(written, "Key statements")


def test_findings_that_have_a_heading_of_their_own_do_not_go_on_below_what_is_to_be_done() -> None:
    facts = "\n".join(f"- **low**: bug `ruff:B{n}`: number {n} is wrong at `a.py`:{n}" for n in range(1, 31))
    written = text(f"Weigh it.\n\n<o>\n{facts}\n</o>\n\n## Evidence\n## What to do\n")
    assert section(written, "Evidence").count("ruff:B") == 12
    assert "- and 18 more" in written
    assert "> The material says nothing about: What to do." in written


def test_a_side_of_the_project_has_the_findings_of_its_category_and_places() -> None:
    facts = (
        "- **medium**: security `ruff:S301`: `pickle` and modules that wrap it can be unsafe at `a/b.py`:1\n"
        "- **low**: bug `ruff:B1`: number 1 is wrong at `tests/test_a.py`:1 (a verified fix exists)\n"
    )

    def of(side: str) -> list[str]:
        item = f"Look at one side only:\n\n<untrusted-1 source='item'>{side}</untrusted-1>"
        return re.findall(r"ruff:\w+", text(f"{item}\n\n<o>\n{facts}</o>\n\n## Evidence\n## Verdict\n"))

    assert of("boundaries between modules") == []
    assert of("security") == ["ruff:S301"]
    assert of("Nothing is read with pickle, for it is unsafe.") == ["ruff:S301"]
    assert of("tests and how far they can be trusted") == ["ruff:B1"]


def test_a_finding_that_was_quoted_is_counted_once_and_answers_no_point_by_its_words() -> None:
    facts = "- **low**: security `ruff:S108`: insecure file at `tests/test_a.py`:4"
    asked = "Write for each:\n\n- the test that fails before and passes after\n\n"
    written = text(f"{asked}<o>\n{facts}\nThe cache is emptied by a job.\n</o>")
    assert written.count("ruff:S108") == 1
    assert "> The material says nothing about: the test that fails before and passes after." in written
    again = text(f"Write the report.\n\n<o>\n{facts}\n{facts} *(review › Needs another look)*\n</o>")
    assert "### Low (1)" in again
    assert again.count("ruff:S108") == 1


def test_what_a_list_leaves_out_is_counted_below_it_and_never_one_alone() -> None:
    def plan(count: int) -> str:
        found = (f"- **low**: bug `ruff:B{n}`: number {n} is wrong at `a.py`:{n}" for n in range(count))
        return text(f"Make a plan.\n\n<o>\n{'\n'.join(found)}\n</o>\n\n## First\n## Later\n")

    assert plan(13).count("ruff:B") == 13
    assert "more" not in section(plan(13), "Later")
    assert plan(14).count("ruff:B") == 12
    assert "\n12. " in plan(14)
    assert "\n- and 2 more\n" in plan(14)
    assert "13. " not in plan(14)


def test_where_a_section_is_wanted_for_each_thing_the_headings_of_the_material_tell_which_there_are() -> None:
    policy = "# Policy\n\n## 4.1 Input\n\nInput must be checked. Firm.\n\n## 4.2 Logs\n\n- Logs hold no names.\n- Firm."
    asked = "Take it apart. One section for each:\n\n## <short name of it>\n- Source: as given\n- Duty: a sentence"
    written = text(f"{asked}\n\n<untrusted-1 source='policies'>\n{policy}\n</untrusted-1>")
    assert re.findall(r"(?m)^## (.*)", written) == ["4.1 Input", "4.2 Logs"]
    assert "- Input must be checked. *(policies)*" in section(written, "4.1 Input")
    assert written.count("- Firm. *(policies)*") == 2
    assert text(f"{asked}\n\n<o>\n{policy}\n</o>\n\n<p>\n{policy}\n</p>").count("## 4.1 Input") == 1
    many = "\n\n".join(f"## Rule {n}\n\nFile {n} must be signed by its author." for n in range(25))
    assert "\n> and 5 more\n" in text(f"{asked}\n\n<o>\n{many}\n</o>")


def test_whether_quotations_and_results_are_right_is_a_judgement() -> None:
    form = "## Quotations that are not in the sources\n## The results, corrected\n"
    written = text(f"Check it.\n\n<o>\nKeys must never stand in source code.\n</o>\n\n{form}")
    assert "source code" not in written
