"""A path alone tells whether a file is a test."""

from __future__ import annotations

import pytest

from nyxcore.analysis.rules import is_test_path

TESTS = """
tests/models.py  pkg/tests/deep/down/data.py  test/x.js  pkg\\tests\\a.py  Tests/A.py  lib/testing/asserts.py
test_app.py  pkg/test_app.py  pkg/app_test.py  pkg/app_tests.py  shop/tests.py  conftest.py  pkg/conftest.py
src/__tests__/app.js  src/__mocks__/fs.ts  spec/app_helper.js  e2e/login.ts  cypress/integration/login.js
src/app.test.js  src/app.spec.ts  src/app.test.tsx  src/app.spec.mjs  src/app.test.cjs  src/app_test.ts
src/app-test.js  src/app.e2e.ts  src/app.cy.tsx  src/test.js  unit-tests/a.py  integration_tests/a.py
test_data/a.py  src/a.tests.cts  pkg/test_types.pyi
"""
CODE = """
app.py  src/latest.py  src/latest/app.py  contest/app.py  contest.py  attest.js  src/manifest.js  testify.py
protest/x.js  src/inspect.ts  specification/app.ts  src/testutil.py  special.js  pytest_plugin.py  a/b/c.mjs
greatest.ts  fastest/run.py  test.md  openapi-spec/server.ts
"""


@pytest.mark.parametrize("path", TESTS.split())
def test_a_usual_test_name_or_folder_is_a_test(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize("path", CODE.split())
def test_other_code_is_no_test_even_when_its_name_contains_the_word(path: str) -> None:
    assert not is_test_path(path)
