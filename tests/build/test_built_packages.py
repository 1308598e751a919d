"""What is in the packages: everything that is imported, nothing that is not, and not too much of it."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from built_functions import BUILT, ROOT, BuiltFunction, size

MIB = 1024 * 1024
LIMIT = 250 * MIB  # of a function's code and layers, unzipped; Lambda refuses more


def modules(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every top-level module that the Python files below import, wherever in the file."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.partition(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                yield path, node.module.partition(".")[0]


def files(folder: Path) -> list[Path]:
    """Every file below, what Python compiles left out."""
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def size_of(path: Path) -> int:
    return path.stat().st_size


def test_every_function_with_its_layers_fits_into_lambda(functions: dict[str, BuiltFunction]) -> None:
    for name, function in functions.items():
        assert size(function.code) + sum(map(size, function.layers)) < LIMIT, name


def test_a_function_is_packaged_without_tests_or_leftovers(functions: dict[str, BuiltFunction]) -> None:
    for name, function in functions.items():
        built = {path.relative_to(function.code) for path in function.code.rglob("*") if path.is_file()}
        source = ROOT / "functions"
        written = {
            path.relative_to(source)
            for path in source.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert built == written, name


def test_the_core_layer_has_all_of_nyxcore_with_its_rules_and_migrations() -> None:
    packaged = BUILT / "CoreLayer/python/nyxcore"
    source = ROOT / "shared/nyxcore"
    written = {
        path.relative_to(source): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    built = {path for path in packaged.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path.relative_to(packaged) for path in built} == written.keys()
    assert all(path.read_bytes() == written[path.relative_to(packaged)] for path in built)
    assert {path.suffix for path in written} >= {".py", ".sql", ".toml", ".yml"}


def test_the_core_layer_is_compiled_for_a_place_that_cannot_be_written() -> None:
    from importlib.machinery import PathFinder

    layer = BUILT / "CoreLayer/python"
    for name in ("nyxcore", "fastapi", "psycopg"):
        source = layer / name / "__init__.py"
        compiled = Path(importlib.util.cache_from_source(str(source)))
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, f"{name}: by hash, and never checked (PEP 552)"
    assert PathFinder.find_spec("nyxcore", [str(layer)]) is not None


def test_everything_that_functions_import_is_packaged_or_part_of_the_runtime(runtime: Path) -> None:
    folders = (BUILT / "CoreLayer/python", BUILT / "PagesLayer/python", BUILT / "ModelsLayer/python", runtime)
    packaged = {path.stem.partition(".")[0] for folder in folders for path in folder.iterdir()}
    ours = {path.stem for path in (ROOT / "functions").iterdir()} | {"nyxpdf"}  # of another layer, see below
    known = packaged | ours | sys.stdlib_module_names
    missing = {
        f"{module} ({path.relative_to(ROOT)})"
        for folder in (ROOT / "functions", ROOT / "shared/nyxcore")
        for path, module in modules(folder)
        if module not in known
    }
    assert not missing


def test_the_chromium_layer_has_what_setup_unpacked_and_nyxpdf_and_nothing_else() -> None:
    layer = BUILT / "ChromiumLayer"
    unpacked, nyxpdf = ROOT / "layers/chromium/opt/chromium", ROOT / "shared/nyxpdf"
    expected = {Path("chromium") / path.relative_to(unpacked): size_of(path) for path in files(unpacked)}
    expected |= {Path("python/nyxpdf") / path.relative_to(nyxpdf): size_of(path) for path in files(nyxpdf)}
    assert {path.relative_to(layer): size_of(path) for path in files(layer)} == expected
    assert {"headless_shell", "libEGL.so", "mermaid.min.js"} <= {path.name for path in expected}


def test_the_renderer_imports_nothing_but_python_itself_and_boto3() -> None:
    known = {"nyxpdf", "boto3", "botocore"} | sys.stdlib_module_names
    imported = {
        (module, path.name)
        for folder in (ROOT / "functions/render_pdf", ROOT / "shared/nyxpdf")
        for path, module in modules(folder)
    }
    assert {each for each in imported if each[0] not in known} == set()
    assert not {path for module, path in imported if module.startswith("boto")} - {"handler.py"}


def test_boto3_comes_from_the_runtime_and_not_from_a_layer() -> None:
    assert not list(BUILT.glob("*Layer/python/boto*"))


@pytest.mark.parametrize("tool", ["ruff", "ast-grep"])
def test_the_tools_of_the_layer_run_in_an_empty_environment(tool: str) -> None:
    done = subprocess.run(
        [BUILT / "ToolsLayer/bin" / tool, "--version"], env={}, capture_output=True, text=True, check=True
    )
    locked = re.search(rf"^{tool}(?:-cli)?==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked is not None
    assert locked[1] in done.stdout


def test_the_tools_layer_has_the_tools_and_nothing_else() -> None:
    layer = BUILT / "ToolsLayer"
    assert {str(path.relative_to(layer)) for path in layer.rglob("*")} == {"bin", "bin/ruff", "bin/ast-grep"}


def test_the_pages_layer_has_the_fonts_that_setup_has_copied_and_is_small() -> None:
    layer, copied = BUILT / "PagesLayer", ROOT / "layers/pages/opt/fonts"
    assert {path.name for path in layer.iterdir()} == {"fonts", "python"}
    packed = {path.name: path.read_bytes() for path in (layer / "fonts").iterdir()}
    assert packed == {path.name: path.read_bytes() for path in copied.iterdir()}
    assert size(layer) < 45 * MIB


def test_the_pages_layer_has_the_printers_source_which_a_pdfs_key_depends_on() -> None:
    layer, source = BUILT / "PagesLayer/python/nyxpdf", ROOT / "shared/nyxpdf"
    packed = {path.relative_to(layer): path.read_bytes() for path in files(layer)}
    assert packed == {path.relative_to(source): path.read_bytes() for path in files(source)}


def test_the_models_layer_has_the_clients_without_what_core_or_the_runtime_has() -> None:
    layer = BUILT / "ModelsLayer/python"
    there = {path.name for path in layer.iterdir()}
    assert {"anthropic", "jsonschema", "openai", "pydantic_ai"} <= there
    assert there & {path.name for path in (BUILT / "CoreLayer/python").iterdir()} == set()
    assert there & {"boto3", "botocore", "tiktoken", "regex", "requests", "urllib3"} == set()
    assert size(layer) < 110 * MIB


def test_binaries_need_no_newer_libc_than_lambda_has() -> None:
    """Amazon Linux 2023 has glibc 2.34."""
    objects = [
        *BUILT.glob("*Layer/**/*.so"),
        *BUILT.glob("*Layer/**/*.so.*"),
        *BUILT.glob("ToolsLayer/bin/*"),
        BUILT / "ChromiumLayer/chromium/headless_shell",
    ]
    assert len(objects) > 10
    for path in objects:
        versions = {
            tuple(map(int, found.split(b".")))
            for found in re.findall(rb"GLIBC_(\d+\.\d+)", path.read_bytes())
        }
        assert max(versions, default=(0,)) <= (2, 34), path.relative_to(BUILT)


def test_the_roots_that_verify_the_proxys_certificate_are_where_the_url_says() -> None:
    tls = re.search(r"sslrootcert=/opt/([\w./]+)", (ROOT / "infrastructure/database.yaml").read_text())
    assert tls is not None
    assert "Amazon Root CA 1" in (BUILT / "CoreLayer" / tls[1]).read_text()


@pytest.mark.parametrize("layer", ["core", "models", "pages", "tools"])
def test_a_layer_has_the_very_versions_of_the_project(layer: str) -> None:
    def versions(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+(?:\[\w+\])?)==(\S+)", path.read_text(), re.MULTILINE))

    locked = versions(ROOT / "layers" / layer / "requirements.lock")
    assert locked
    assert locked.items() <= versions(ROOT / "requirements.lock").items()
