"""The last line of every report: parts of it that all types share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from nyxcore.reports.facts import Spent, Spoken
from nyxcore.reports.language import Language
from nyxcore.reports.markdown import code


def footer(parts: Iterable[str]) -> str:
    """The line, below a rule."""
    return "---\n\n" + " · ".join(parts)


def took(duration: timedelta, language: Language, *, under_way: bool) -> str:
    """How long the run took; or so far, of one that is `under_way` and writes this report itself."""
    return (
        language("footer.so_far", duration=language.duration(duration))
        if under_way
        else language.duration(duration)
    )


def spent_by_run(spent: Spent, language: Language) -> list[str]:
    """What the run itself has spent, without its report's prose."""
    named = ", ".join(code(model) for model in spent.models)
    return [
        language("footer.model", model=named) if named else language("footer.model_none"),
        language("footer.tokens", tokens=spent.tokens),
        language("footer.cost", usd=language.usd(spent.usd)),
    ]


def spent_on_prose(spoken: Spoken | None, language: Language) -> list[str]:
    """Who wrote the report's prose and what that cost, beside what the run did; nothing where nobody was asked."""
    if spoken is None:
        return []
    cost = {"tokens": spoken.tokens, "usd": language.usd(spoken.usd)}
    if spoken.model is None:
        return [language("footer.prose_none", **cost)]
    return [language("footer.prose", model=code(spoken.model), **cost)]
