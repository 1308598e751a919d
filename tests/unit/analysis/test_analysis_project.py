"""What a repository's own settings files are taken to say."""

from __future__ import annotations

import json

import pytest

from nyxcore.analysis.project import ProjectSettings, read_settings
from nyxcore.analysis.python_versions import minimum_of
from nyxcore.analysis.rulebook import Relevance


@pytest.mark.parametrize(
    ("specifier", "minimum"),
    [
        (">=3.6", (3, 6)),
        (">= 3.8, <4", (3, 8)),
        (">=2.7, !=3.0.*, !=3.1.*", (2, 7)),
        ("~=3.7", (3, 7)),
        ("^3.9", (3, 9)),
        ("==3.11.*", (3, 11)),
        ("^2.7 || ^3.6", (2, 7)),
        (">3", (3, 0)),
        ("<4", None),
        ("", None),
    ],
)
def test_the_oldest_python_of_a_specifier(specifier: str, minimum: tuple[int, int] | None) -> None:
    assert minimum_of(specifier) == minimum


@pytest.mark.parametrize(
    ("name", "text", "target"),
    [
        ("pyproject.toml", '[project]\nrequires-python = ">=3.10"', "py310"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.9"', "py39"),
        ("pyproject.toml", '[tool.ruff]\ntarget-version = "py312"', "py312"),
        ("setup.cfg", "[options]\npython_requires = >=3.8", "py38"),
        ("setup.py", "from setuptools import setup\nV = '>=3.9'\nsetup(python_requires=V)", "py39"),
        ("setup.py", "print 'two'\nsetup(python_requires='>=3.8')", "py38"),
        ("setup.cfg", "[options]\npython_requires = >=2.7", "py37"),
        ("tox.ini", "[tox]", "py37"),
    ],
)
def test_the_target_comes_from_the_metadata_else_it_is_the_oldest(name: str, text: str, target: str) -> None:
    assert read_settings({name: text.encode()}).target == target


def test_metadata_decides_over_the_target_of_ruff() -> None:
    text = '[project]\nrequires-python = ">=3.8"\n[tool.ruff]\ntarget-version = "py312"'
    assert read_settings({"pyproject.toml": text.encode()}).target == "py38"


def test_ignores_of_ruff_and_flake8_are_put_together() -> None:
    settings = read_settings(
        {
            "pyproject.toml": b'[tool.ruff.lint]\nignore = ["E711"]\n[tool.ruff.lint.per-file-ignores]\n'
            b'"tests/*" = ["S"]\n"{a,b}.py" = ["F401"]\n',
            ".flake8": b"[flake8]\nextend-ignore = E712,  # why\n    F541\nper-file-ignores =\n"
            b"    __init__.py,other.py: F401,\n        F403\n    docs/*:B a/x.py:E1\n",
        }
    )
    assert settings.ignored == ("E711", "E712", "F541")
    assert settings.ignored_in("tests/deep/test_x.py") == ("S",)
    assert settings.ignored_in("pkg/b.py") == ("F401",)
    assert settings.ignored_in("pkg/__init__.py") == ("F401", "F403")
    assert settings.ignored_in("docs/conf.py") == ("B",)
    assert settings.ignored_in("a/x.py") == ("E1",)
    assert settings.ignored_in("pkg/mod.py") == ()
    left_out = Relevance(settings).left_out("docs/conf.py")
    assert {"ruff:E711", "ruff:F541", "ruff:B006"} <= left_out
    assert "ruff:F401" not in left_out


def test_what_cannot_be_read_becomes_a_note_without_its_content() -> None:
    settings = read_settings(
        {"pyproject.toml": b"[secret\xff", "setup.cfg": b"no section", "ruff.toml": b"["}
    )
    assert [note.partition(" ")[0] for note in settings.notes] == ["pyproject.toml", "ruff.toml", "setup.cfg"]
    assert "secret" not in "".join(settings.notes)


@pytest.mark.parametrize(
    "text",
    [
        "[project]\nrequires-python = 3\nclassifiers = 4",
        "[tool]\nruff = 1",
        "[tool.ruff]\nlint = []\nignore = 3\nper-file-ignores = 2",
        "project = []",
    ],
)
def test_values_of_the_wrong_kind_are_passed_over(text: str) -> None:
    assert read_settings({"pyproject.toml": text.encode()}) == ProjectSettings()


def test_a_project_for_python_2_is_spared_what_modernises_its_syntax() -> None:
    left_out = Relevance(ProjectSettings(minimum=(2, 7))).left_out("a.py")
    assert "ruff:UP008" in left_out
    assert "ruff:UP008" not in Relevance(ProjectSettings(minimum=(3, 6))).left_out("a.py")


@pytest.mark.parametrize(
    ("minimum", "rule", "holds"),
    [
        (None, "UP036", False),
        ((3, 6), "UP036", False),
        ((3, 7), "UP036", True),
        ((3, 6), "UP010", False),
        ((2, 7), "RUF046", False),
        ((2, 7), "PLC0207", False),
        ((2, 7), "B014", False),
        ((2, 7), "C417", False),
        ((3, 6), "PLC0207", True),
        (None, "PLC0207", True),
        ((3, 7), "PLE1519", False),
        ((3, 8), "PLE1519", True),
    ],
)
def test_a_rule_holds_from_the_version_on_that_its_fix_needs(
    minimum: tuple[int, int] | None, rule: str, holds: bool
) -> None:
    assert (f"ruff:{rule}" not in Relevance(ProjectSettings(minimum=minimum)).left_out("a.py")) is holds


@pytest.mark.parametrize(
    ("name", "text", "minimum"),
    [
        ("setup.py", "'Programming Language :: Python :: 2',\n'Programming Language :: Python :: 3'", (2, 7)),
        (
            "setup.py",
            "'Programming Language :: Python :: 3',\n'Programming Language :: Python :: 3.8'",
            (3, 8),
        ),
        ("setup.cfg", "[bdist_wheel]\nuniversal = 1\n", (2, 7)),
        ("setup.cfg", "[bdist_wheel]\nuniversal = 1\n[options]\npython_requires = >=3.8\n", (3, 8)),
    ],
)
def test_a_project_says_in_several_ways_that_it_supports_python_2(
    name: str, text: str, minimum: tuple[int, int]
) -> None:
    assert read_settings({name: text.encode()}).minimum == minimum


def test_settings_survive_json() -> None:
    settings = ProjectSettings((3, 9), ("E711",), (("a/*", ("F401", "B")),), ("a note.",))
    assert ProjectSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_hostile_settings_cost_no_time() -> None:
    text = "[flake8]\nper-file-ignores = x:" + "A" * 50_000 + "!\nignore=" + "A1" * 50_000 + "\n"
    patterns = (
        '[tool.ruff.lint.per-file-ignores]\n"'
        + "*a" * 50
        + 'b" = ["F401"]\n"{'
        + "a," * 5000
        + '}" = ["F"]\n'
    )
    settings = read_settings({"setup.cfg": text.encode(), "pyproject.toml": patterns.encode()})
    assert settings.ignored_in("a" * 200) == ()
