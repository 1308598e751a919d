"""The folder that `layers/pages/fonts.mjs` makes of npm's packages."""

import json
import subprocess
from pathlib import Path

import pytest

from nyxcore.pages.faces import code_points, families

LAYER = Path(__file__).parents[3] / "layers/pages"
FONTS = LAYER / "opt/fonts"


def test_a_second_call_leaves_the_folder_as_it_is() -> None:
    before = FONTS.stat().st_ino, FONTS.stat().st_mtime_ns
    subprocess.run(["node", LAYER / "fonts.mjs"], check=True)
    assert (FONTS.stat().st_ino, FONTS.stat().st_mtime_ns) == before
    assert [path.name for path in FONTS.parent.iterdir()] == ["fonts"], "nothing unfinished is left"


def test_without_the_packages_the_call_fails_and_says_what_to_do(tmp_path: Path) -> None:
    layer = tmp_path / "layers/pages"
    layer.mkdir(parents=True)
    for name in ("fonts.mjs", "woff2.mjs"):
        (layer / name).write_bytes((LAYER / name).read_bytes())
    done = subprocess.run(["node", layer / "fonts.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "inter" in done.stderr and "make setup" in done.stderr
    assert not (layer / "opt/fonts").exists()


def test_the_index_names_every_file_once_and_no_other() -> None:
    named = [piece.file for pieces in families(FONTS).values() for piece in pieces]
    assert sorted([*named, "index.json"]) == sorted(path.name for path in FONTS.iterdir())


@pytest.mark.parametrize(
    ("family", "has", "lacks"),
    [
        ("inter", "Aäß€Жλ", "→✓─漢"),
        ("inter-symbols", "→✓≤⚠", "─✅\ue000"),
        ("jetbrains-mono-symbols", "─│→≤✓", "漢✅"),
        ("noto-sans-arabic", "سمع", "A"),
        ("noto-sans-sc", "汉漢，", "한✅"),
        ("noto-sans-jp", "漢かカ", "한✅"),
        ("noto-sans-kr", "한글", "✅"),
        ("twemoji", "😀✅🇩", "1#\u20e3"),
    ],
)
def test_the_index_tells_what_is_in_the_files_and_not_what_packages_declare(
    family: str, has: str, lacks: str
) -> None:
    held = {point for piece in families(FONTS)[family] for point in code_points(piece.holds)}
    assert {ord(sign) for sign in has} <= held
    assert not {ord(sign) for sign in lacks} & held


def test_every_file_is_a_woff2_font() -> None:
    index = json.loads(FONTS.joinpath("index.json").read_text(encoding="utf-8"))
    for pieces in index["families"].values():
        for piece in pieces:
            assert FONTS.joinpath(piece["file"]).read_bytes()[:4] == b"wOF2"
