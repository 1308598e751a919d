"""cases_of_others.json: where each case of two public lists stands here, or why it is left out.

`WPT` is `eventsource/` of web-platform-tests; its files, without their ending. `LaunchDarkly` is the suite of
launchdarkly/sse-contract-tests at 81fc820 (May 2026): each call of `t.Run` within the six groups, of which an older
state had 65, the groups included; two that stand in a loop are named for all their statuses. `vectors` names the
`source` of vectors.json: each is read whole and in pieces of 1, 2, 3 and 7 bytes, which is what that list's chunks
are for. `test` names a test.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
CASES: list[dict[str, str]] = json.loads(FOLDER.joinpath("cases_of_others.json").read_text())
SOURCES = {vector["source"] for vector in json.loads(FOLDER.joinpath("vectors.json").read_text())}


def test_every_case_is_there_once_and_is_covered_or_left_out_for_a_reason() -> None:
    counted = Counter((case["list"], case["case"]) for case in CASES)
    assert set(counted.values()) == {1}
    assert Counter(case["list"] for case in CASES) == {"WPT": 46, "LaunchDarkly": 67}
    for case in CASES:
        assert len(case.keys() & {"vectors", "test", "leftOut"}) == 1, case


def test_what_covers_a_case_exists() -> None:
    for case in CASES:
        if "vectors" in case:
            assert case["vectors"] in SOURCES, case
        elif "test" in case:
            path, _, name = case["test"].partition("::")
            assert f"\ndef {name}(" in ROOT.joinpath(path).read_text(), case


def test_every_vector_of_the_wpt_list_is_named_by_a_case() -> None:
    named = {case["vectors"] for case in CASES if "vectors" in case}
    assert {source for source in SOURCES if source.startswith("WPT ")} <= named
