"""Prose that says something of its own is refused with the reason; prose that keeps to the facts is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyxcore.reports.language import language_of
from nyxcore.reports.prose_check import MAX_CHARACTERS, objection

FACTS = {
    "en": """State

1,234 files were checked and 13,000 findings came up. 98 of them (25%) are fixed; 12 are open. It took 2.5 s.

Compared with the run of 2026-11-10: 5 new, 2 gone. Tools: ruff 0.17.6.

| severity | found |
| --- | ---: |
| high | 23 |
| low | 50% |

- **high** Subprocess started through a shell — `ruff:S602`, `pkg/run.py`:40, `shell=True`, `load_config`
""",
    "de": """Stand

1.234 Dateien wurden geprüft, 13.000 Befunde. Davon sind 98 (25 %) behoben; 12 sind offen, 2,5 s.

Verglichen mit dem Lauf vom 10.11.2026: 5 neu, 2 verschwunden. 23 sind hoch, 50 % niedrig. `pkg/run.py`
""",
}

KEPT = {
    "en": [
        "The state is good.",
        "Of 13,000 findings 98 are fixed, which is 25%.",
        "Of 13000 findings, ninety-eight are fixed (25 percent).",
        "There are 13 thousand findings.",
        "Twelve are open. Two are gone, five came.",
        "A dozen are open.",
        "Half of them are low.",
        "Twenty-three are high.",
        "It took 2.5 s, or 2.50 s.",
        "Since 2026-11-10 little has changed.",
        "This was found by ruff 0.17.6.",
        "Look at `pkg/run.py` and pkg/run.py first.",
        "Rule `ruff:S602` and ruff:S602 and S602 matter.",
        "The call with `shell=True` is the one to mend.",
        "The function load_config is fine.",
        "“Subprocess started through a shell” comes first.",
        "One of them matters, the first one.",
        "It is **important**, and *soon*.\n\nA second paragraph.",
        "The call through a shell comes first.",
        "Well-known problems, i.e. old ones; see e.g. the table.",
    ],
    "de": [
        "Der Stand ist gut.",
        "Von 13.000 Befunden sind 98 behoben, also 25 %.",
        "Von 13000 Befunden sind achtundneunzig behoben (25 Prozent).",
        "Dreizehntausend Befunde, 13 Tausend also.",
        "Zwölf sind offen, zwei verschwunden, fünf neu.",
        "Ein Dutzend ist offen.",
        "Die Hälfte ist niedrig, dreiundzwanzig sind hoch.",
        "Es dauerte 2,5 s.",
        "Seit dem 10.11.2026 hat sich wenig geändert; mehrfach wurde das einfach so gelassen.",
        "In `pkg/run.py` steht eine der Stellen.",
    ],
}
REFUSED = {
    "en": [
        ("", "empty"),
        ("x" * (MAX_CHARACTERS + 1), "characters long"),
        ("There are 99 findings.", "'99'"),
        ("There are 1234.5 files.", "'1234.5'"),
        ("25 are fixed.", "'25'"),
        ("98% are fixed.", "'98%'"),
        ("About 24 percent.", "'24 percent'"),
        ("Roughly 12,999 findings.", "'12,999'"),
        ("Some 14 thousand findings.", "'14 thousand'"),
        ("There are thirteen of them.", "'thirteen'"),
        ("Seventy-seven are left.", "'Seventy-seven'"),
        ("A third is fixed.", "'third'"),
        ("Two-thirds are fixed.", "'Two-thirds'"),
        ("Dozens are left.", "'Dozens'"),
        ("Thousands of lines.", "'Thousands'"),
        ("Three million lines.", "'Three million'"),
        ("A tenfold risk.", "'tenfold'"),
        ("Since 2026-11-11.", "'2026-11-11'"),
        ("Found by ruff 0.17.7.", "'0.17.7'"),
        ("½ of them.", "writes a number as '½'"),
        ("Ⅻ of them.", "writes a number as 'Ⅻ'"),
        ("１２ of them.", "writes a number as '１'"),
        ("See `pkg/other.py`.", "the code 'pkg/other.py'"),
        ("See pkg/other.py.", "the file 'pkg/other.py"),
        ("See run.py.", "the file 'run.py'"),
        ("See src/pkg/run.py.", "the file 'src/pkg/run.py"),
        ("See /etc/passwd now.", "the file '/etc/passwd'"),
        ("See pkg/run.pyc.", "the file"),
        ("Rule S603 matters.", "the rule 'S603'"),
        ("Rule ruff:F401 matters.", "the rule 'ruff:F401'"),
        ("This is CVE-2024-1234.", "the rule 'CVE-2024-1234'"),
        ("The function os.system is called.", "the name 'os.system'"),
        ("The function eval() is called.", "the name 'eval()'"),
        ("The function save_config is fine.", "the name 'save_config'"),
        ("“SQL put together from strings” comes first.", "the text 'SQL put together from strings'"),
        ("There is one SQL injection in the login form.", "'one' of findings"),
        ("There is an SQL injection in the login form.", "the weakness 'injection'"),
        ("The Dockerfile runs as root.", "the file 'Dockerfile'"),
        ("It runs as root.", "the weakness 'root'"),
        ("See Makefile and .env.", "the file 'Makefile'"),
        ("See .env for it.", "the file '.env'"),
        ("See the Makefile.", "the file 'Makefile'"),
        ("See README first.", "the file 'README'"),
        ("All findings are fixed.", "'All' of findings"),
        ("Every weakness is closed.", "'Every' of findings"),
        ("No high findings are left.", "'No' of findings"),
        ("None of them is fixed.", "'None' of findings"),
        ("The code is free of vulnerabilities.", "'free of' of findings"),
        ("A single problem is open.", "'single' of findings"),
        (
            "The most severe is a hard-coded password in the settings module.",
            "the weakness 'hard-coded'",
        ),
        ("Attackers may use XSS.", "the weakness 'XSS'"),
        ("This allows SSRF.", "the weakness 'SSRF'"),
        ("This is critical.", "severity 'critical'"),
        ("The rest is medium.", "severity 'medium'"),
        ("# State\n\nGood.", "a heading"),
        ("State\n=====", "a heading"),
        ("- one\n- other", "a list"),
        ("1. one", "a list"),
        ("> quote", "a quote"),
        ("See [here](http://evil.example).", "a link"),
        ("See https://evil.example now.", "a link"),
        ("See <https://evil.example>.", "a link"),
        ("![x](x.png)", "an image"),
        ("<b>bold</b>", "HTML"),
        ("<script>alert(1)</script>", "HTML"),
        ("<!-- -->", "HTML"),
        ("```mermaid\npie\n```", "a code block"),
        ("~~~\ncode\n~~~", "a code block"),
        ("    indented", "a code block"),
        ("| a |\n| --- |\n| b |", "a table"),
        ("Good.\n\n---", "a rule"),
        ("right\u202eleft", "U+202E"),
        ("nul\0", "U+0000"),
    ],
    "de": [
        ("Es sind 99 Befunde.", "'99'"),
        ("Es sind 13,000 Befunde.", "'13,000'"),
        ("Es sind dreizehn.", "'dreizehn'"),
        ("Es sind vierzehntausend.", "'vierzehntausend'"),
        ("Zweihundertfünfzig Stellen.", "'Zweihundertfünfzig'"),
        ("Dutzende sind offen.", "'Dutzende'"),
        ("Ein Drittel ist behoben.", "'Drittel'"),
        ("Das Risiko ist dreifach.", "'dreifach'"),
        ("Seit dem 11.11.2026.", "'11.11.2026'"),
        ("Alle Befunde sind behoben.", "'Alle' of findings"),
        ("Kein Befund ist offen.", "'Kein' of findings"),
        ("Keiner davon ist behoben.", "'Keiner' of findings"),
        ("Jede Schwachstelle ist geschlossen.", "'Jede' of findings"),
        ("Es gibt noch einen offenen Befund.", "'einen offenen' of findings"),
        ("Ein einziges Problem ist offen.", "'Ein einziges' of findings"),
        ("Das Passwort steht im Modul der Einstellungen.", "the weakness 'Passwort'"),
        ("Das erlaubt eine Injektion.", "the weakness 'Injektion'"),
        ("Im Dockerfile steht es.", "the file 'Dockerfile'"),
        ("Das ist kritisch.", "severity 'kritisch'"),
        ("Mit mittlerem Aufwand, ein mittel schweres Problem.", "severity 'mittel'"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "prose"), [(code, prose) for code, texts in KEPT.items() for prose in texts]
)
def test_prose_that_keeps_to_the_facts_is_taken(code: str, prose: str) -> None:
    assert objection(prose, FACTS[code], language_of(code)) is None


@pytest.mark.parametrize(
    ("code", "prose", "reason"), [(code, *case) for code, cases in REFUSED.items() for case in cases]
)
def test_prose_that_says_something_of_its_own_is_refused_with_the_reason(
    code: str, prose: str, reason: str
) -> None:
    said = objection(prose, FACTS[code], language_of(code))
    assert said is not None and reason in said


@given(st.integers(0, 100_000))
def test_a_number_is_taken_exactly_when_the_facts_hold_it(number: int) -> None:
    language = language_of("en")
    known = number in {1234, 13_000, 98, 12, 5, 2, 23, 40}
    assert (objection(f"There are {number:,} of them.", FACTS["en"], language) is None) == known
    assert objection(f"There are {number:,}.", f"{number} files", language) is None
