"""Which fonts a page brings: those that its text needs, and no others."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_documents import body, families, job, page, words

from nyxcore.pages.faces import Style, code_points
from nyxcore.pages.faces import families as indexed
from nyxcore.pages.fonts import choose, needs_no_glyph

FONTS = Path(__file__).parents[3] / "layers/pages/opt/fonts"
IN_REPORTS = "←→↑↓↔⇒⇐⇔↳↩✓✔✗✘⚠☐☑☒★☆≤≥≠≈∞∑∏√∫∂∇∈∉⊂∪∩∀∃∧∨¬×÷±−∅■□▪●○◆◇▲△▼▶€£¥₹½¼⅓²³⁰₁µ°§¶†‡™©®…–—‘’“”„«»•·"
BOXES = "─│┌┐└┘├┤┬┴┼═║╔╗╚╝╠╣░▒▓█▁▂▃▄▅▆▇"

SCRIPTS = {
    "Latin": ("Größe naïve Łódź İıŞş Tiếng Việt", {"inter"}),
    "Greek": ("Ελληνικά ἀρχή", {"inter"}),
    "Cyrillic": ("Русский Українська ѣ", {"inter"}),
    "Chinese": ("简体中文，代码报告。", {"inter", "noto-sans-sc"}),
    "Japanese": ("日本語のコード、カナ。", {"inter", "noto-sans-jp"}),
    "Korean": ("한국어 보고서", {"inter", "noto-sans-kr"}),
    "Arabic": ("تقرير عن صحة الشيفرة، ١٢٣", {"inter", "noto-sans-arabic"}),
    "Hebrew": ("דוח על בריאות הקוד שָׁלוֹם", {"inter", "noto-sans-hebrew"}),
    "Devanagari": ("कोड स्वास्थ्य रिपोर्ट क्षत्रिय", {"inter", "noto-sans-devanagari"}),
    "emoji": ("😀 ✅ ❌ 🚀 👩‍💻 👍🏽 🇩🇪", {"inter", "twemoji"}),
}


def rules(html: str) -> list[str]:
    """The page's font faces, without their data."""
    return [re.sub(r"url\([^)]*\)", "", rule) for rule in re.findall(r"@font-face\{[^}]*\}", html)]


def covered(found: list[str]) -> set[int]:
    """The code points that font faces are for."""
    ranges = re.findall(r"unicode-range:([^;]*);", "".join(found))
    return {point for each in ranges for point in code_points(each.replace("U+", ""))}


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_its_font_and_brings_no_other(script: str) -> None:
    text, expected = SCRIPTS[script]
    html = page(text)
    assert families(html) == expected
    assert 'class="no-glyph"' not in body(html)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_glyphs_where_code_bold_or_slanted_text_is_set(script: str) -> None:
    text, _ = SCRIPTS[script]
    html = page(
        f"**{text}**\n\n*{text}*\n\n***{text}***\n\n`{text}`\n\n**`{text}`**\n\n## {text}\n\n```\n{text}\n```\n"
    )
    assert 'class="no-glyph"' not in html


@pytest.mark.parametrize("mono", [False, True])
def test_signs_that_reports_use_have_glyphs(mono: bool) -> None:
    assert not choose(FONTS, {Style(mono=mono): set(IN_REPORTS + BOXES)}).missing


def test_boxes_in_code_come_from_the_face_that_code_is_set_in() -> None:
    chosen = choose(FONTS, {Style(mono=True): set(BOXES + "→≤✓")})
    assert chosen.mono == '"jetbrains-mono-symbols"'


def test_plain_english_brings_the_latin_pieces_of_one_family_alone() -> None:
    found = rules(page("Nothing but English."))
    assert len(found) == 2
    assert {re.search(r"font-weight:(.*?);", rule)[1] for rule in found} == {"1 500", "501 1000"}  # type: ignore[index]
    assert all('"inter"' in rule for rule in found)


def test_slanted_text_brings_slanted_pieces() -> None:
    assert not any("italic" in rule for rule in rules(page("plain")))
    assert any("italic" in rule for rule in rules(page("*slanted*")))


def test_a_family_that_has_no_slanted_cut_is_left_upright() -> None:
    found = rules(page("*漢字*"))
    assert [rule for rule in found if "noto-sans-sc" in rule and "font-style:normal" in rule]
    assert "font-synthesis: none" in page("x")


def test_a_chinese_sentence_brings_few_of_the_hundred_pieces() -> None:
    assert len([rule for rule in rules(page("代码健康报告")) if "noto-sans-sc" in rule]) < 8
    assert len(indexed(FONTS)["noto-sans-sc"]) > 180


@pytest.mark.parametrize(
    ("text", "first"),
    [("骨 and かな", "noto-sans-jp"), ("骨 and 한글", "noto-sans-kr"), ("骨", "noto-sans-sc")],
)
def test_what_stands_beside_han_characters_says_whose_they_are(text: str, first: str) -> None:
    stack = re.search(r"--text:([^;]*);", page(text))
    assert stack is not None
    names: list[str] = re.findall('"(noto-sans-[^"]+)"', stack[1])
    assert names[0] == first


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Отчёт"},
        {"project": "Проект", "title": "Report"},
        {"kind": "Анализ"},
        {"markdown": "## Глава"},
        {"markdown": "```\nпример\n```"},
        {"markdown": "```mermaid\ngraph TD; A[Узел]-->B\n```"},
    ],
)
def test_every_place_of_a_page_counts(changes: dict[str, str]) -> None:
    assert ord("т") in covered(rules(page(**changes)))


def test_a_page_brings_the_text_face_of_what_stands_in_its_diagrams_alone_in_both_weights() -> None:
    drawn = rules(page("```mermaid\ngraph TD; A[Узел]-->B\n```"))
    inter = [rule for rule in drawn if ord("У") in covered([rule]) and '"inter"' in rule]
    assert len(inter) == 2
    assert not [rule for rule in rules(page("no diagram")) if ord("У") in covered([rule])]


def test_an_undrawn_diagram_shows_what_no_font_has() -> None:
    fallback = job("```mermaid\ngraph TD; A[𓀀]\n```")["diagrams"][0]["fallback"]
    assert '<span class="no-glyph">U+13000</span>' in fallback


def test_characters_that_no_font_has_are_named_together() -> None:
    html = body(page("a 𓀀𓂀 b தமிழ் \ue000"))
    assert "𓀀" not in html
    assert '<span class="no-glyph">U+13000 U+13080</span>' in html
    assert '<span class="no-glyph">U+E000</span>' in html
    assert words(html).count("U+0B") == 5


def test_characters_that_no_font_has_are_one_sign_each_in_a_running_head() -> None:
    assert '@top-left{content:"\\3f  x"}' in page(title="𓀀 x")


def test_a_sequence_of_emoji_is_set_in_the_emoji_face_as_a_whole() -> None:
    html = body(page("⚠️ and 👩‍💻 and ⚠ and `👍🏽`"))
    assert html.count('<span class="emoji">') == 3
    assert '<span class="emoji">👩‍💻</span>' in html


def test_a_green_tick_is_in_colour_and_a_plain_one_is_text() -> None:
    assert "twemoji" in families(page("✅"))
    assert "twemoji" not in families(page("✓ ✔ ⚠ ☎ ©"))


def test_decomposed_letters_get_the_pieces_of_the_composed_ones() -> None:
    assert 0x10C in covered(rules(page("C\u030c"))), "a shaper takes U+010C for it"


def test_a_face_says_exactly_which_characters_it_is_for() -> None:
    for name, pieces in indexed(FONTS).items():
        for piece in pieces:
            points = code_points(piece.holds)
            assert points == sorted(set(points)), name
            assert (FONTS / piece.file).stat().st_size > 500


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_character_has_a_glyph_or_is_named(text: str, mono: bool, bold: bool, italic: bool) -> None:
    chosen = choose(FONTS, {Style(mono, bold, italic): set(text)})
    there = covered([chosen.rules])
    for character in text:
        assert ord(character) in there or needs_no_glyph(character) or character in chosen.missing
