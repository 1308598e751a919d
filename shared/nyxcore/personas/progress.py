"""Experience: 10 XP a use, a level every 100 XP."""

from __future__ import annotations

XP_A_USE = 10
XP_A_LEVEL = 100


def level(xp: int) -> int:
    """The level that `xp` has reached, from 1."""
    return xp // XP_A_LEVEL + 1


def next_level_xp(xp: int) -> int:
    """The XP at which the level after the present one begins."""
    return level(xp) * XP_A_LEVEL


def fraction(xp: int) -> float:
    """How much of the present level is done, from 0 to below 1."""
    return xp % XP_A_LEVEL / XP_A_LEVEL
