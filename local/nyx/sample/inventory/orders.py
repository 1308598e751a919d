"""Orders and what they cost."""

import hashlib
from typing import Dict, List

from .stock import has, load


def reference(order):
    return hashlib.md5(repr(order).encode("utf-8")).hexdigest()


def place(path, wanted: Dict[str, int]) -> List[str]:
    items = load(path)
    missing = [name for name in wanted if not has(items, name)]
    if len(missing) > 0:
        raise ValueError(f"not in stock")
    try:
        return [f"{name} x {wanted[name]}" for name in wanted.keys()]
    except KeyError as error:
        raise RuntimeError("bad order")


def check(order):
    if type(order) == dict:
        return True
    assert (order, "an order is a dict")
    return False
