"""A number is refused in whatever spelling: the facts here hold small ones, of which others could be put together."""

from __future__ import annotations

import pytest

from nyxcore.reports.language import language_of
from nyxcore.reports.prose_check import objection

FACTS = {
    "en": """State

5 files were checked and 16 findings came up. 9 of them (56%) are fixed; 7 are open. It took 0.2 s, the longest 3.0 s.

| severity | found | fixed |
| --- | ---: | ---: |
| high | 0 | 0 |
| low | 16 | 9 |

- **low** Unused import — `ruff:F401`, 14×, `pkg/run.py`:7, `src/main.c`, `lib.h`, `7*9`, `utf8`
- load\\_config of Part III

**Some are fixed.** Each finding is known.
""",
    "de": """Stand

5 Dateien wurden geprüft, 16 Befunde. Davon sind 9 (56 %) behoben; 7 sind offen. 0,2 s, am längsten 3,0 s.

| Schweregrad | gefunden | behoben |
| --- | ---: | ---: |
| hoch | 0 | 0 |
| niedrig | 16 | 9 |

- **niedrig** Unused import — `ruff:F401`, 14×, `pkg/run.py`:7, Version 2.7
""",
}

KEPT = {
    "en": [
        "It took 0.2 s, or 0.2s, or 0.20 s.",
        "The longest took 3.0 s, thus 3 s.",
        "Of 5 files, 9 places are fixed, 14× an import.",
        "It came up 14x, 14 × in all.",
        "Sixteen findings came up, seven are open, fifty-six percent are fixed.",
        "Five files\n\n9 places",
        "In lib.h, `src/main.c` and src/main.c it is fine.",
        "The score is good, and so is the scoreboard of the CLI.",
        "The CI, a CD, an MD, the DI, the MI, a MIX, the CV, the XL and CIVIL law.",
        "I see it, e.g. in the U.S., i.e. at 9 a.m. in A/B tests, I/O, CI/CD and/or elsewhere.",
        "Part III of it, and utf8.",
        "It is load\\_config that matters, or load_config.",
        "It is *im*portant; **9** of them, and `9` of them.",
        "From 5 to 9, at 5-9, for Germany's 9 files.",
        "A 5-file change.",
        "The rest (9) & more.",
        "Each finding is known.",
    ],
    "de": [
        "Es dauerte 0,2 s, also 0.2 s, am längsten 3 s.",
        "Version 2.7, auch 2,7 geschrieben.",
        "Fünf Dateien, z. B. oder z.B. die erste, d.h. u.a. diese; neun Stellen und/oder mehr.",
        "Sechsundfünfzig Prozent sind behoben, 56-prozentig also.",
        "Das Jahrhundert der A/B-Tests in der CI.",
        "Der Score ist gut, 14-mal.",
    ],
}
REFUSED = {
    "en": [
        # digits in groups
        ("Some 9 000 places.", "'9 000'"),
        ("Some 9'000 places.", "\"9'000\""),
        ("Some 9’000 places.", "'9’000'"),
        ("Some 9\n000 places.", "9\\n000"),
        ("Some 9 000 000 places.", "'9 000 000'"),
        ("Some 9 5 places.", "'9 5'"),
        ("Some 9\N{NO-BREAK SPACE}000 places.", "U+00A0"),
        ("Some 9\N{NARROW NO-BREAK SPACE}000 places.", "U+202F"),
        ("Some 9, 000 places.", "'000'"),
        ("Agent 009 came.", "'009'"),
        ("About 0,009 of them.", "'0,009'"),
        ("About .5 of them.", "'.5'"),
        ("Nine five places.", "'Nine five'"),
        # letters and signs after a number, or before
        ("Some 9k findings.", "'9k'"),
        ("Some 9 k findings.", "'9 k'"),
        ("Some 5M lines.", "'5M'"),
        ("Some 5 M lines.", "'5 M'"),
        ("Some 5e3 lines.", "'5e3'"),
        ("Some 0x9 lines.", "'0x9'"),
        ("It took 4h.", "'4h'"),
        ("It took 9h.", "'9h'"),
        ("It took 5.0s.", "'5.0s'"),
        ("The 5th file.", "'5th'"),
        ("Release v99 is out.", "'v99'"),
        ("Release pre-v99 is out.", "'v99'"),
        ("Release 5.9.0rc1 is out.", "'5.9.0rc1'"),
        ("It came up 4×.", "'4×'"),
        ("It came up 9×.", "'9×'"),
        ("It is 9x faster.", "'9x'"),
        ("It is 9 x faster.", "'9 x'"),
        # scales
        ("Some 9 billion lines.", "'9 billion'"),
        ("Some 9 bn lines.", "'9 bn'"),
        ("Some 0.2 bn lines.", "'0.2 bn'"),
        ("Some 9-billion lines.", "'9-billion'"),
        ("Nine trillion lines.", "'Nine trillion'"),
        ("A billion lines.", "'billion'"),
        ("A score of them is left.", "'A score'"),
        ("Five score are left.", "'Five score'"),
        ("Scores of them are left.", "'Scores of'"),
        ("Tens of them are left.", "'Tens'"),
        ("A hundredfold risk.", "'hundredfold'"),
        ("A tenth of them.", "'A tenth'"),
        ("Myriads of lines.", "'Myriads'"),
        # shares
        ("By 9 percentage points.", "'9 percentage points'"),
        ("By 56 percentage points.", "'56 percentage points'"),
        ("By 56 %-points.", "'56 %-points'"),
        ("By 9 pp or so.", "'9 pp'"),
        ("By 9 basis points.", "'9 basis points'"),
        ("By 9 ‰ or so.", "'9 ‰'"),
        ("Nine percent are fixed.", "'Nine percent'"),
        ("A 9-percent share.", "'9-percent'"),
        ("By 9 pct or so.", "'9 pct'"),
        # Roman numerals and decimals
        ("There are XII of them.", "'XII'"),
        ("There are IV findings.", "'IV'"),
        ("There are XLII findings.", "'XLII'"),
        ("It ran Version 5.0 of it.", "'5.0'"),
        ("It ran Version 9,0 of it.", "'9,0'"),
        ("On 2026-11-109.", "'2026'"),
        # files
        ("See main.c for it.", "the file 'main.c'"),
        ("See util.h for it.", "the file 'util.h'"),
        ("See x.c for it.", "the file 'x.c'"),
        ("See x.c.", "the file 'x.c'"),
        ("See my-file.R.", "the file 'my-file.R'"),
        ("See x.go for it.", "the name 'x.go'"),
        # what shows otherwise than it is written
        ("Some 5**9** places.", "'59'"),
        ("Some 9\\% of them.", "'9%'"),
        ("Some 9&percnt; of them.", "'9%'"),
        ("Some 9\\,000 places.", "'9,000'"),
        ("About &half; of them.", "writes a number as '½'"),
        ("Some 79 places.", "'79'"),
        ("Write to me&#64;evil.", "a link"),
        ("See other\\.py.", "the file 'other.py'"),
        ("See save\\_config.", "the name 'save_config'"),
        ("See **other**.py.", "the file 'other.py'"),
        ("Some `9`k findings.", "'9k'"),
        ("Some `9` billion findings.", "'9 billion'"),
        ("Some `000` findings.", "the code '000'"),
    ],
    "de": [
        ("Rund 9 000 Stellen.", "'9 000'"),
        ("Rund 9'000 Stellen.", "\"9'000\""),
        ("Rund 9\N{NO-BREAK SPACE}000 Stellen.", "U+00A0"),
        ("Rund 9\N{NARROW NO-BREAK SPACE}000 Stellen.", "U+202F"),
        ("Rund 0.009 Stellen.", "'0.009'"),
        ("Rund 9 Milliarden Zeilen.", "'9 Milliarden'"),
        ("Rund 9 Mio. Zeilen.", "'9 Mio'"),
        ("Rund 0,2 Mio. Zeilen.", "'0,2 Mio'"),
        ("Rund 9 Tsd. Zeilen.", "'9 Tsd'"),
        ("Rund 9 Mrd. Zeilen.", "'9 Mrd'"),
        ("Rund neun Billionen Zeilen.", "'neun Billionen'"),
        ("Eine Milliarde Zeilen.", "'Milliarde'"),
        ("Eine Million Zeilen.", "'Million'"),
        ("Es dauerte anderthalb Tage.", "'anderthalb'"),
        ("Es dauerte zweieinhalb Tage.", "'zweieinhalb'"),
        ("Einhundert Zeilen.", "'Einhundert'"),
        ("Eintausend Zeilen.", "'Eintausend'"),
        ("Hunderttausend Zeilen.", "'Hunderttausend'"),
        ("Ein Zehntel ist behoben.", "'Zehntel'"),
        ("Das ist hundertfach da.", "'hundertfach'"),
        ("Um 9 Prozentpunkte.", "'9 Prozentpunkte'"),
        ("Um 9 Prozentpunkten.", "'9 Prozentpunkten'"),
        ("Um 9 Promille.", "'9 Promille'"),
        ("Neun Prozent sind behoben.", "'Neun Prozent'"),
        ("Neunprozentig behoben.", "'Neunprozentig'"),
        ("Version 5,0 lief.", "'5,0'"),
        ("Version 5.0 lief.", "'5.0'"),
        ("Siehe main.c dazu.", "the file 'main.c'"),
        ("Es sind XII Stellen.", "'XII'"),
        ("Es dauerte 4h.", "'4h'"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "prose"), [(code, prose) for code, texts in KEPT.items() for prose in texts]
)
def test_a_number_of_the_facts_is_taken_in_another_spelling(code: str, prose: str) -> None:
    assert objection(prose, FACTS[code], language_of(code)) is None


@pytest.mark.parametrize(
    ("code", "prose", "reason"), [(code, *case) for code, cases in REFUSED.items() for case in cases]
)
def test_a_number_that_only_looks_like_one_of_the_facts_is_refused(
    code: str, prose: str, reason: str
) -> None:
    said = objection(prose, FACTS[code], language_of(code))
    assert said is not None and reason in said
