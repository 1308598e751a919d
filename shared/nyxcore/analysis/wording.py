"""The sentences that a maintainer reads: why a finding was left, and what is known about a fix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from nyxcore.analysis.candidates import MOST_CANDIDATES
from nyxcore.analysis.filestate import AcceptedFix, Tracked
from nyxcore.analysis.models import PYTHON, Finding, Options, Verdict, Withheld
from nyxcore.analysis.rulebook import SYNTAX, rules

Evidence = list[dict[str, object]]
Check = Literal["git", "compiler"]


_WITHHELD: dict[Withheld, str] = {
    "rule": "The fix on offer is not trusted: it may change what the code does where no scan shows it, or leave the"
    " code untidy. It needs a person's judgement.",
    "comment": "The fix on offer would delete a comment.",
    "watched": "The import stands in a `try` or `with` block, which may be there to see whether it succeeds.",
    "sole": "The function does nothing but import, so that the import may be what it is for.",
    "noted": "A comment at the import says what it is for, so that it is left.",
    "in_text": "A type comment or an example in a docstring of this file uses the name.",
}


def no_offer(finding: Finding, options: Options, *, parses: bool, too_many: bool) -> str:
    """Why nothing was tried for a finding; `too_many` says that nothing was tried for any of its file."""
    if finding.rule in SYNTAX:
        return "A file that does not parse has to be mended by hand."
    if finding.withheld is not None:
        return _WITHHELD[finding.withheld]
    if finding.proposal is None:
        return f"{_tool(finding.rule)} offers no automatic fix for this; it needs a person's judgement."
    if not parses:
        return "The file does not parse as it stands, and nothing is changed in such a file."
    if not finding.proposal.safe and not options.unsafe:
        return "The only fix on offer may change what the code does; run with unsafe fixes to have it tried."
    if too_many:
        return f"This file has too many findings with a fix, more than {MOST_CANDIDATES:,}; nothing in it is changed."
    return "The fix on offer belongs to a category that was not asked for."


def held(names: Sequence[str], users: Sequence[str]) -> str:
    """Why the guard withdrew a fix."""
    listed = ", ".join(f"`{name}`" for name in names)
    others = (
        "" if len(users) == 1 else f" (and {len(users) - 1} more {'file' if len(users) == 2 else 'files'})"
    )
    return (
        f"Removing {listed} could break `{users[0]}`{others}, which mentions both the name and this module."
    )


def rejected(verdict: Verdict) -> str:
    """Why a fix that was tried was not taken."""
    if verdict.outcome == "too_many":
        return "This file has more fixes than could be told apart within its share of scans, so that this was left."
    if verdict.outcome == "deferred":
        return "The fix overlaps others in a file with very many of them, and was not tried by itself."
    if verdict.outcome == "unscannable" or verdict.cause is None:
        return "The fix was tried, and the scan of the result took too much time or memory."
    rule, message, line = verdict.cause
    if verdict.outcome == "broken":
        return f"The fix was tried, and the file no longer parsed afterwards (line {line}: {message})."
    if verdict.outcome == "not_gone":
        return "The fix was tried, and the same finding, or one just like it, was there afterwards."
    return (
        f"The fix was tried, and brought up a new finding: {rule.partition(':')[2]}, {message} (line {line})."
    )


def not_combined() -> str:
    """Why an accepted fix is not in the patch although nothing held it back."""
    return "The fix is right by itself, but not together with the others in this file."


def refused(check: Check) -> str:
    """Why all fixes of a file were taken back after a check of the whole patch."""
    if check == "git":
        return "git did not take the patch of this file, so that all of its fixes were taken back."
    return "The file compiled before its fixes and not after them, so that all of them were taken back."


def restless(rounds: int) -> str:
    """Why a file has none of its fixes."""
    return f"The fixes of this file kept calling for further ones; after {rounds} rounds all were taken back."


def explanation(mended: Sequence[Tracked], verdict: Verdict) -> str:
    """What a fix does and why, from the rules that it serves."""
    rule_texts = ((rules()[it.finding.rule].title, rules()[it.finding.rule].explanation) for it in mended)
    text = " ".join(dict.fromkeys(f"{title}. {why}" for title, why in rule_texts))
    if all(it.born for it in mended):
        said = "; ".join(dict.fromkeys(it.finding.message for it in mended))
        text = f"Follows from the fixes that it needs, after which this is left: {said}. {text}"
    if verdict.took_in:
        more = ", ".join(dict.fromkeys(rules()[rule].title for rule in verdict.took_in))
        text += f" The fix also mends what it would itself have brought up: {more}."
    return text


def evidence(fix: AcceptedFix, *, git: bool) -> Evidence:
    """What was checked about a fix; the last entry's detail says what was not."""
    verdict = fix.verdict
    python = fix.language == PYTHON
    tool = "ruff" if python else "ast-grep"
    parser = (
        "ruff's parser and Python's compiler"
        if python
        else "the number of error nodes that tree-sitter finds"
    )
    guard = "it takes away no name that another module could import"
    if verdict.removes:
        listed = ", ".join(f"`{name}`" for name in verdict.removes)
        guard = f"no other file mentions both this module and {listed}, which it takes away"
    checks = [
        ("finding_gone", f"{_how(fix)}: {tool} no longer reports what the fix is for"),
        ("nothing_new", "the same scan, with every rule in use, shows nothing that was not there before"),
        ("parses", f"no worse than before, by {parser}"),
        ("other_files", guard),
        ("combined", "the file with all of its fixes was scanned again and shows nothing new"),
        ("patch_applies", "git apply --check on the files as they were")
        if git
        else ("patch_not_tried", "there is no git here to try the patch with"),
        ("tests_not_run", "every check above is static; the project's own tests were not run"),
    ]
    return [{"check": check, "ok": True, "detail": detail} for check, detail in checks]


def _how(fix: AcceptedFix) -> str:
    """In which scan the fix was judged."""
    verdict = fix.verdict
    here = f" on top of {fix.judged_on} fixes taken before" if fix.judged_on else ""
    if verdict.bounded:
        return f"judged{here} in one scan with {verdict.group} others, because the file has too many for one each"
    if verdict.group:
        return f"judged{here} in one scan with {verdict.group} others in other functions of the file"
    return f"judged{here} in a scan of its own"


def _tool(rule: str) -> str:
    return rule.partition(":")[0]
