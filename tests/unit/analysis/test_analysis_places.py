"""Rows and columns of ruff, and what the names at the top of a module lose."""

from __future__ import annotations

import pytest

from nyxcore.analysis.bindings import removed_names
from nyxcore.analysis.locate import Rows
from nyxcore.analysis.models import Candidate, Edit
from nyxcore.analysis.variants import packs
from nyxcore.analysis.words import Mentions, words_of


def test_rows_end_at_cr_lf_and_crlf_and_at_nothing_else() -> None:
    content = "a\rb\r\nc\nd\x0ce\x0bf\x85g\u2028h\ni".encode()
    rows = Rows(content)
    assert [rows.text(row) for row in (1, 2, 3, 5)] == [b"a\r", b"b\r\n", b"c\n", b"i"]
    assert content[rows.offset(5, 1) :] == b"i"
    assert rows.row(len(content) - 1) == 5


def test_columns_count_characters_and_not_bytes() -> None:
    content = 'x = "é😀"; y = None\n'.encode()
    assert content[Rows(content).offset(1, 10) :].startswith(b" y = None")


def test_a_byte_order_mark_is_before_the_first_column() -> None:
    content = b"\xef\xbb\xbfimport os\n"
    assert Rows(content).offset(1, 1) == 3
    assert Rows(content).offset(2, 1) == len(content)


def test_a_place_outside_of_the_file_is_an_error() -> None:
    with pytest.raises(ValueError, match="row 4, column 1"):
        Rows(b"a\nb\n").offset(4, 1)


def _removed(before: str, old: str, new: str) -> tuple[str, ...]:
    start = before.encode().index(old.encode())
    return removed_names(before.encode(), (Edit(start, start + len(old.encode()), new.encode()),), "python")


@pytest.mark.parametrize(
    ("before", "old", "new", "names"),
    [
        ("import os\nimport sys\n", "import sys\n", "", ("sys",)),
        ("import os.path\n", "import os.path\n", "", ("os",)),
        ("from a import b, c as d\n", "from a import b, c as d", "from a import b", ("d",)),
        ("try:\n    import json\nexcept ImportError:\n    pass\n", "import json", "pass", ("json",)),
        ("def f():\n    import os\n    return 1\n", "    import os\n", "", ()),
        ("class A:\n    import os\n", "import os", "pass", ()),
        ("import os\nimport os\n", "import os\n", "", ()),
        ("from typing import List\n", "typing import List", "t import List", ()),
        ("x = [1 for _ in ()]\n", "[1 for _ in ()]", "list()", ()),
        ("def f():\n    pass\n", "def f():\n    pass\n", "", ("f",)),
    ],
)
def test_the_names_that_a_fix_unbinds_at_the_top_of_a_module(
    before: str, old: str, new: str, names: tuple[str, ...]
) -> None:
    assert _removed(before, old, new) == names


def test_a_name_that_is_bound_again_only_in_a_branch_counts_as_removed() -> None:
    source = "import json\ntry:\n    import fast as json\nexcept ImportError:\n    pass\n"
    assert _removed(source, "import json\n", "") == ("json",)


def _mentions(files: dict[str, str]) -> Mentions:
    return Mentions((path, words_of(text.encode(), "python")) for path, text in files.items())


def test_another_file_holds_a_name_only_when_it_mentions_the_module_too() -> None:
    mentions = _mentions(
        {
            "pkg/compat.py": "import six",
            "pkg/a.py": "from .compat import six",
            "pkg/b.py": "import six",
            "pkg/c.py": "from . import compat",
        }
    )
    assert mentions.elsewhere("six", "pkg/compat.py") == ["pkg/a.py"]


def test_a_star_import_hands_names_on_under_another_module() -> None:
    mentions = _mentions(
        {
            "pkg/_impl.py": "import six",
            "pkg/api.py": "from ._impl import *",
            "pkg/user.py": "import pkg.api\npkg.api.six",
        }
    )
    assert mentions.elsewhere("six", "pkg/_impl.py") == ["pkg/user.py"]


def test_a_package_is_mentioned_by_dots_alone_from_within_it() -> None:
    mentions = _mentions(
        {
            "pkg/__init__.py": "import six",
            "pkg/sub/mod.py": "from .. import six",
            "other/mod.py": "from .. import six",
        }
    )
    assert mentions.elsewhere("six", "pkg/__init__.py") == ["pkg/sub/mod.py"]


def test_words_that_change_are_forgotten() -> None:
    mentions = _mentions({"a.py": "from b import x", "b.py": "import x"})
    assert mentions.elsewhere("x", "b.py") == ["a.py"]
    mentions.update({"a.py": words_of(b"", "python")})
    assert mentions.elsewhere("x", "b.py") == []


def test_a_pack_holds_one_fix_a_function_and_module_level_ones_go_alone() -> None:
    source = (
        b"import a\n\n\ndef f():\n    one\n    two\n\n\nclass C:\n    three\n\n    def g(self):\n"
        b"        def h():\n            four\n        five\n\n    def i(self):\n        six\n"
    )
    words = [b"a", b"one", b"two", b"three", b"four", b"five", b"six"]
    places = [source.index(b" " + word + b"\n") + 1 for word in words]
    edits = [Edit(place, place + 1, b"x") for place in places]
    found = packs(source, "python", [Candidate((0,), (edit,), safe=True) for edit in edits])
    assert sorted(map(sorted, found)) == [[0], [1, 3, 4, 6], [2, 5]]
