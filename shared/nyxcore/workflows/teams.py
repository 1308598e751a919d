"""A team as a workflow: its personas in the places of the experts of the template "expert-team". Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nyxcore.errors import Conflict
from nyxcore.personas.models import Team, TeamMember
from nyxcore.workflows import templates
from nyxcore.workflows.definition import Step, Workflow

_TEMPLATE = "expert-team"
_EXPERTS = ("researcher", "architect", "security")  # of the template; the first one's steps are the pattern
_ROUNDS = ("", "-round-1", "-round-2")
_LONGEST_STEM = 30  # a key has 40 characters, of which a round takes 8


class TeamIncomplete(Conflict):
    """A persona of the team was deleted."""

    code = "team_incomplete"


def workflow_of(team: Team) -> Workflow:
    """What the team does with a question, by its pattern; the question is the run's input.

    Each answers alone, all discuss two rounds, a judge names the best approach with reasons, and the last step
    writes the prompt that carries it out.

    Raises
    ------
    TeamIncomplete : a persona of it was deleted; the message says which.
    """
    gone = [member.name for member in team.members if member.gone]
    if gone:
        raise TeamIncomplete(
            f"{', '.join(gone)} of team {team.name} was deleted: change the team with PATCH /teams/{team.id}"
        )
    base = templates.template(_TEMPLATE)
    keys = _step_keys(team.members)
    experts = [
        _expert(base, keys, index, member, number)
        for number in range(len(_ROUNDS))
        for index, member in enumerate(team.members)
    ]
    judge = base.step("judge")
    ended = _references(_EXPERTS, _ROUNDS[-1])
    prompt = _replaced(judge.prompt, ended, _references(keys, _ROUNDS[-1]))
    steps = (*experts, judge.model_copy(update={"prompt": prompt}), base.step("implement"))
    return base.model_copy(
        update={"name": team.name, "description": team.description or base.description, "steps": steps}
    )


def _expert(base: Workflow, keys: Sequence[str], index: int, member: TeamMember, number: int) -> Step:
    """What the member does in a round; the first is to answer alone."""
    pattern = base.step(f"{_EXPERTS[0]}{_ROUNDS[number]}")
    prompt = pattern.prompt
    if number:
        before = _ROUNDS[number - 1]
        others = [key for key in keys if key != keys[index]]
        prompt = _replaced(prompt, _references(_EXPERTS[1:], before), _references(others, before))
        prompt = _replaced(prompt, _references(_EXPERTS[:1], before), _references([keys[index]], before))
    when = f"round {number}" if number else "alone"
    named = {"key": f"{keys[index]}{_ROUNDS[number]}", "title": f"{member.name[:180]}, {when}"}
    return pattern.model_copy(update={**named, "persona": member.key, "prompt": prompt})


def _references(keys: Sequence[str], suffix: str) -> str:
    return "\n\n".join(f"{{{{steps.{key}{suffix}.content}}}}" for key in keys)


def _replaced(prompt: str | None, old: str, new: str) -> str:
    """The prompt with one text in the place of another, which has to be there."""
    before, found, after = (prompt or "").partition(old)
    if not found:
        raise ValueError(f"the template {_TEMPLATE} has changed: {old!r} is not in its prompt")
    return f"{before}{new}{after}"


def _step_keys(members: Sequence[TeamMember]) -> list[str]:
    """A key for each member's steps: the persona's, numbered where it is long, or another step's."""
    keys: list[str] = []
    for member in members:
        stem, number = member.key[:_LONGEST_STEM], 1
        key = stem
        while key in {*keys, "judge", "implement"} or any(key.endswith(suffix) for suffix in _ROUNDS[1:]):
            number += 1
            key = f"{stem[: _LONGEST_STEM - 2]}-{number}"
        keys.append(key)
    return keys
