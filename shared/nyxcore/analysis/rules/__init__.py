"""Which rules of ruff and ast-grep count, how grave each is, and which paths are tests."""

from nyxcore.analysis.rules.tables import (
    Category,
    Rule,
    Severity,
    ast_grep_config_dir,
    ast_grep_rules,
    python_rules,
)
from nyxcore.analysis.rules.test_paths import is_test_path

__all__ = [
    "Category",
    "Rule",
    "Severity",
    "ast_grep_config_dir",
    "ast_grep_rules",
    "is_test_path",
    "python_rules",
]
