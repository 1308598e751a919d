"""The end of `nyx fix` fits a screen and says what to do next."""

from pathlib import Path
from typing import Any

import pytest

from nyx.summary import summary

OUT, PATH = Path("nyx-out"), Path("repo")


def finding(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1", "severity": "high", "state": "fixed", "reason": None, "fixId": "f1", "file": "a.py", "startLine": 3,
        "message": "bad", "rule": "ruff:B006",
    } | changes  # fmt: skip


def fix(**changes: Any) -> dict[str, Any]:
    diff = "--- a/a.py\n+++ b/a.py\n@@ -3 +3 @@\n-old\n+new\n"
    return {"id": "f1", "diff": diff, "evidence": [{"check": "reparses", "ok": True, "detail": ""}]} | changes


def show(
    findings: list[dict[str, Any]],
    fixes: list[dict[str, Any]],
    files: int = 5,
    *,
    path: Path = PATH,
    applied: bool = False,
) -> str:
    run = {"counts": {"files": files}}
    return summary(run, findings, fixes, path=path, out=OUT, applied=applied)


def test_it_fits_twenty_lines() -> None:
    long = "\n".join(["--- a/a.py", "+++ b/a.py", "@@ -1,9 +1,9 @@", *("+x" for _ in range(6))])
    assert len(show([finding()], [fix(diff=long)]).splitlines()) <= 20


def test_it_counts_severities_and_names_the_commonest_reason_of_withdrawal() -> None:
    withdrawn = [
        finding(id=str(n), state="failed", fixId=None, reason="it brought up F821") for n in range(2)
    ]
    text = show([finding(), *withdrawn], [fix()])
    assert "5 files, 3 findings: 3 high" in text
    assert "2 withdrawn\n  most often because: it brought up F821" in text


def test_nothing_to_scan_is_one_sentence() -> None:
    assert show([], [], files=0).startswith("Nothing to scan")


def test_a_repository_cannot_drive_the_terminal() -> None:
    text = show(
        [finding(message="\x1b[2Jgone")], [fix(diff="--- a\n+++ b\n@@ -1 +1 @@\n+\x1b]0;title\x07\n")]
    )
    assert "\x1b" not in text and "\\x1b[2Jgone" in text


def test_in_a_folder_of_a_repository_git_is_told_where_the_patch_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    text = show([finding()], [fix()], path=tmp_path / "my code")
    assert "\n  git apply --directory='my code' nyx-out/fixes.patch\n" in text
    assert "\n  git apply nyx-out/fixes.patch\n" in show([finding()], [fix()], path=tmp_path)


def test_an_applied_patch_is_shown_by_git_only_where_there_is_a_repository(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    assert "git" not in show([finding()], [fix()], path=folder, applied=True).partition("next:")[2]
    (tmp_path / ".git").mkdir()
    assert " diff\n" in show([finding()], [fix()], path=folder, applied=True)


def test_without_a_fix_there_is_no_word_of_a_patch() -> None:
    assert "patch" not in show([finding(state="no_fix", fixId=None)], [])
