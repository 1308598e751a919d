"""A prompt with 200 kB of context: rendered, given its context, and cut down to a small window; and the linter."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator

from nyxcore.llm.tokens import count
from nyxcore.workflows import templates
from nyxcore.workflows.lint import accept, load
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.resolving import resolve

type Row = tuple[str, str, str]

OUTPUTS = ("one", "two", "three", "four")
BYTES = 200_000
MODEL = "anthropic:claude-opus-5"
WIDE, NARROW = 1_000_000, 8_000  # tokens
_ROUNDS = 31


def report(size: int, seed: int) -> str:
    """A Markdown text of so many bytes: headings, paragraphs, lists, rows of tables."""
    chosen = random.Random(seed)
    words = ["".join(chosen.choices("abcdefghijklmnoprstuw", k=chosen.randint(2, 9))) for _ in range(2_000)]
    lines: list[str] = []
    while sum(map(len, lines)) + len(lines) < size:
        begin = chosen.choice(["## ", "- ", "- ", "", "", "", "| a | "])
        lines.append(begin + " ".join(chosen.choices(words, k=14)).capitalize() + ".")
    return "\n".join(lines)[:size]


def milliseconds(work: Callable[[], object]) -> float:
    """The median of 31 rounds, in CPU time of this process."""
    took = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return statistics.median(took) * 1_000


def tables() -> Iterator[tuple[Row, list[Row]]]:
    """The one table of this part."""
    named = "\n\n".join(f"{{{{steps.{key}.content}}}}" for key in OUTPUTS)
    steps = [{"key": key, "prompt": "go"} for key in OUTPUTS]
    steps += [{"key": "named", "prompt": named}]
    plan = accept(
        {"name": "n", "goal": "g", "steps": [*steps, {"key": "given", "prompt": "go", "needs": [*OUTPUTS]}]}
    )
    outputs = {key: StepOutput(report(BYTES // len(OUTPUTS), seed)) for seed, key in enumerate(OUTPUTS)}
    values = Values("g", "the input", steps=outputs)

    def resolved(key: str, window: int) -> Callable[[], object]:
        step = plan.step(key)
        return lambda: resolve(
            step, plan, values, budget_tokens=window, count=lambda text: count(text, MODEL)
        )

    texts = [templates.text(name) for name in templates.names()]
    chain = [
        {"key": f"s{n}", "prompt": f"{{{{steps.s{n - 1}.content}}}}" if n else "go"} for n in range(1_000)
    ]
    document = {"name": "n", "goal": "g", "steps": chain}
    whole = report(BYTES, len(OUTPUTS))
    yield (
        ("what", "measured", "target"),
        [
            ("the tokens of 200 kB counted", f"{milliseconds(lambda: count(whole, MODEL)):.1f} ms", ""),
            (
                "prompt that names 200 kB of outputs",
                f"{milliseconds(resolved('named', WIDE)):.1f} ms",
                "≤ 20 ms",
            ),
            (
                "prompt that is given 200 kB of outputs",
                f"{milliseconds(resolved('given', WIDE)):.1f} ms",
                "≤ 20 ms",
            ),
            (
                f"200 kB named, a window of {NARROW:,} tokens: all digests",
                f"{milliseconds(resolved('named', NARROW)):.1f} ms",
                "",
            ),
            (
                f"200 kB given, a window of {NARROW:,} tokens: digests",
                f"{milliseconds(resolved('given', NARROW)):.1f} ms",
                "",
            ),
            (
                "the five templates read and checked",
                f"{milliseconds(lambda: [*map(load, texts)]):.1f} ms",
                "",
            ),
            ("a chain of 1,000 steps checked", f"{milliseconds(lambda: accept(document)):.0f} ms", ""),
        ],
    )
