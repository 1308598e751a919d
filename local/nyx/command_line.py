"""What the commands' lines have in common: refusals in one sentence, and the exit code of Ctrl-C."""

from __future__ import annotations

import argparse
from typing import Final, NoReturn

from nyx.errors import BadUsage

INTERRUPTED: Final = 130


class Parser(argparse.ArgumentParser):
    """A parser that raises BadUsage, with the usage, for a line that it does not understand."""

    def error(self, message: str) -> NoReturn:
        """See `argparse.ArgumentParser.error`."""
        raise BadUsage(f"{message}. Usage: {' '.join(self.format_usage().removeprefix('usage: ').split())}")
