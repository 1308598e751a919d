"""What a run would send, and what it would cost, before any model is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from pydantic import Field

from nyxcore.errors import InvalidInput
from nyxcore.llm.models import Amount
from nyxcore.wire import WireModel
from nyxcore.workflows.costs import Sending, Terms
from nyxcore.workflows.definition import DEFAULT_OUTPUT_TOKENS, Step, StepType, Workflow
from nyxcore.workflows.dependencies import needs_of
from nyxcore.workflows.fan_out import items
from nyxcore.workflows.graph import order
from nyxcore.workflows.judging import question, verdict_schema
from nyxcore.workflows.lengths import Length, content_length, to_come
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.prompts.paths import parse_path
from nyxcore.workflows.prompts.rendering import Provenance
from nyxcore.workflows.readers import Readers
from nyxcore.workflows.resolving import Resolved, ask_person, resolve


class Spending(WireModel):
    """US dollars, and tokens in and out, as a `budget` counts them."""

    usd: float
    tokens: int


class FurtherPrompt(WireModel):
    """Another prompt of a step, which differs from its first."""

    label: str = Field(description="an alternative, a model, or judge", examples=["conservative"])
    models: list[str] = Field(description="asked, then tried in this order should it fail")
    system: str
    prompt: str
    parts: list[Provenance]
    tokens: int
    assumed_tokens: int
    output_tokens: int


class StepPreview(WireModel):
    """One step as it would be sent. A step with forEach is shown for its first item."""

    key: str
    type: StepType
    needs: list[str] = Field(description="what it waits for, the steps that its texts name included")
    models: list[str] = Field(description="asked for one answer each; empty where no model is called")
    fallbacks: list[str] = Field(description="tried in this order where a model fails")
    system: str | None
    prompt: str | None = Field(description="of its first answer; of a review, what the person is asked")
    parts: list[Provenance]
    tokens: int = Field(description="of system and prompt, with placeholders as they stand")
    assumed_tokens: int = Field(description="what the outputs behind the placeholders are taken to add")
    output_tokens: int = Field(description="of one answer, at the most")
    further: list[FurtherPrompt] = Field(
        description="what it sends besides: its other alternatives, what a model with a smaller window is sent, its"
        " judge's"
    )
    calls: int | None = Field(
        description="for answers, without retries and judge; null where it depends on an output"
    )
    usd: float | None = Field(
        description="when nothing fails, every answer as long as it may be; null where it is not known"
    )
    held: Spending | None = Field(
        description="what a budget must have room for to let its calls begin: an attempt of each model of each, and"
        " two of the dearest"
    )
    at_most: Spending | None = Field(
        description="every try of every model, once more for each of its `retries`: it cannot cost more"
    )
    problem: str | None = Field(default=None, description="why it could not be sent, or not be answered")


class WorkflowPreview(WireModel):
    """Every step in an order in which they may run, and the sums, which count the steps whose cost is known."""

    steps: list[StepPreview]
    tokens: int
    usd: float = Field(description="when nothing fails, every answer as long as it may be")
    held: Spending = Field(description="a budget of so much lets every call begin, unless calls are retried")
    at_most: Spending = Field(description="with all retries of all steps: a run cannot cost more")
    unknown: list[str] = Field(description="steps whose cost is not known before the run")


def preview(
    workflow: Workflow, values: Values, terms: Terms, personas: Mapping[str, str] | None = None
) -> WorkflowPreview:
    """Every prompt of a workflow, with placeholders for outputs that do not exist yet.

    Parameters
    ----------
    values : goal, input and sources of the run that would be; its steps are not looked at.
    personas : the text of each persona by its key.
    """
    pending = replace(values, steps={step.key: StepOutput("", status="pending") for step in workflow.steps})
    previewer = _Previewer(workflow, pending, terms, personas or {}, needs_of(workflow))
    steps = [previewer.step(workflow.step(key)) for key in order(previewer.needs)]
    return WorkflowPreview(
        steps=steps,
        tokens=sum(map(_tokens_in, steps)),
        usd=float(sum(_exact(each.usd) for each in steps)),
        held=_sum(each.held for each in steps),
        at_most=_sum(each.at_most for each in steps),
        unknown=[each.key for each in steps if each.usd is None],
    )


@dataclass(frozen=True)
class _Prompt:
    """One prompt of a step: what is shown of it, what it may grow to, and how often it is sent."""

    label: str
    shown: Resolved
    sending: Sending
    longest: Sending
    times: int | None


@dataclass
class _Previewer:
    workflow: Workflow
    values: Values
    terms: Terms
    personas: Mapping[str, str]
    needs: Mapping[str, list[str]]
    lengths: dict[str, Length] = field(default_factory=dict)

    def step(self, step: Step) -> StepPreview:
        models = list(step.asked(self.terms.model)) if step.asks_model else []
        shown = StepPreview(
            key=step.key,
            type=step.type,
            needs=self.needs[step.key],
            models=models,
            fallbacks=list(step.fallbacks),
            system=None,
            prompt=None,
            parts=[],
            tokens=0,
            assumed_tokens=0,
            output_tokens=step.output_tokens if models else 0,
            further=[],
            calls=0,
            usd=0.0,
            held=Spending(usd=0.0, tokens=0),
            at_most=Spending(usd=0.0, tokens=0),
        )
        count: int | None = 1
        try:
            count, values = _items(step, self.values)
            sizes = self._sent(step, values, count) if models else self._shown(step)
        except InvalidInput as error:
            nothing = dict.fromkeys(("calls", "usd", "held", "at_most"))
            sizes = {**nothing, "problem": error.message}
        self.lengths[step.key] = content_length(
            step, count, [self.lengths[key] for key in self.needs[step.key]]
        )
        return shown.model_copy(update=sizes)

    def _shown(self, step: Step) -> dict[str, object]:
        """What no model is sent: a person's question, or what a report is put together from."""
        if step.type == "analysis" or (step.type == "review" and step.prompt is None):
            return {}
        readers = self._readers([self.terms.model])
        if step.type == "review":
            asked = ask_person(step, self.values, readers.count)
            return {"prompt": asked.text, "parts": list(asked.parts), "tokens": readers.count(asked.text)}
        made = self._resolved(step, self.values, readers, None)
        return {"prompt": made.prompt, "parts": list(made.parts), "tokens": made.tokens}

    def _sent(self, step: Step, values: Values, count: int | None) -> dict[str, object]:
        prompts = list(self._prompts(step, values, count))
        first = prompts[0]
        asked = list(dict.fromkeys(model for each in prompts for model in each.sending.models))
        texts = {(first.shown.system, first.shown.prompt)}
        further: list[FurtherPrompt] = []
        for each in prompts[1:]:
            if (each.shown.system, each.shown.prompt) not in texts:
                texts.add((each.shown.system, each.shown.prompt))
                further.append(_further(each))
        return {
            "system": first.shown.system,
            "prompt": first.shown.prompt,
            "parts": list(first.shown.parts),
            "tokens": first.shown.tokens,
            "assumed_tokens": first.sending.to_come.usual,
            "further": further,
            "calls": None if count is None else count * step.answers,
            "problem": "; ".join(self.terms.obstacles(asked)) or None,
            **self._costs(step, prompts),
        }

    def _prompts(self, step: Step, values: Values, count: int | None) -> Iterator[_Prompt]:
        """Of each answer, then of the judge."""
        for answer in step.asks_for(self.terms.model):
            readers = self._readers([answer.model, *step.fallbacks])
            made = self._resolved(step, values, readers, answer.strategy)
            longest = sending = self._sending(step, readers, made)
            if count is not None and count > 1:
                longest_item = max(items(step, values), key=lambda item: len(item.text))
                longer = values.for_item(longest_item, origin=step.for_each)
                longest = self._sending(step, readers, self._resolved(step, longer, readers, answer.strategy))
            yield _Prompt(answer.label, made, sending, longest, count)
        if step.pick == "judge":
            yield self._judges(step)

    def _judges(self, step: Step) -> _Prompt:
        readers = self._readers([step.judged_by(self.terms.model), *step.fallbacks])
        made = question(
            step,
            self.workflow,
            self.values,
            None,
            budget_tokens=readers.room(DEFAULT_OUTPUT_TOKENS),
            count=readers.count,
            persona=self.personas.get((step.judge.persona if step.judge else None) or "", ""),
        )
        sending = Sending(
            readers.models,
            made.system,
            made.prompt,
            DEFAULT_OUTPUT_TOKENS,
            verdict_schema(step.answers),
            self._to_come(made, readers.room(DEFAULT_OUTPUT_TOKENS)),
        )
        return _Prompt("judge", made, sending, sending, 1)

    def _readers(self, models: Sequence[str]) -> Readers:
        return Readers(tuple(dict.fromkeys(models)), self.terms.count, self.terms.window)

    def _resolved(self, step: Step, values: Values, readers: Readers, strategy: str | None) -> Resolved:
        return resolve(
            step,
            self.workflow,
            values,
            budget_tokens=readers.room(step.output_tokens),
            count=readers.count,
            persona=self.personas.get(step.persona or "", ""),
            strategy=strategy,
        )

    def _sending(self, step: Step, readers: Readers, made: Resolved) -> Sending:
        room = readers.room(step.output_tokens)
        return Sending(
            readers.models,
            made.system,
            made.prompt,
            step.output_tokens,
            step.output_schema,
            self._to_come(made, room),
        )

    def _to_come(self, made: Resolved, room: int) -> Length:
        return to_come(made, self.workflow, self.lengths).within(room - made.tokens)

    def _costs(self, step: Step, prompts: Sequence[_Prompt]) -> dict[str, object]:
        usd, held, most = Decimal(0), Amount(), Amount()
        for each in prompts:
            likely = self.terms.cost(each.sending)
            longest = likely if each.longest is each.sending else self.terms.cost(each.longest)
            if likely is None or longest is None or each.times is None:
                return {"usd": None, "held": None, "at_most": None}
            usd += likely.usd * each.times
            held += longest.least * each.times
            most += longest.most * each.times
        return {"usd": float(usd), "held": _spending(held), "at_most": _spending(most * (1 + step.retries))}


def _spending(amount: Amount) -> Spending:
    return Spending(usd=float(amount.usd), tokens=amount.tokens)


def _further(prompt: _Prompt) -> FurtherPrompt:
    return FurtherPrompt(
        label=prompt.label,
        models=list(prompt.sending.models),
        system=prompt.shown.system,
        prompt=prompt.shown.prompt,
        parts=list(prompt.shown.parts),
        tokens=prompt.shown.tokens,
        assumed_tokens=prompt.sending.to_come.usual,
        output_tokens=prompt.sending.output_tokens,
    )


def _items(step: Step, values: Values) -> tuple[int | None, Values]:
    """How many items a step runs for (1 without forEach, None where an output decides), and the first one's values."""
    if step.for_each is None:
        return 1, values
    path = parse_path(step.for_each) if isinstance(step.for_each, str) else None
    known = path is None or path.step is None
    found = items(step, values) if known else []
    if found:
        return len(found), values.for_item(found[0], origin=step.for_each)
    placeholder = OutputPart("", f"[one item of {step.for_each} stands here]")
    return 0 if known else None, values.for_item(placeholder, origin=step.for_each, pending=True)


def _tokens_in(step: StepPreview) -> int:
    judges = sum(each.tokens + each.assumed_tokens for each in step.further if each.label == "judge")
    return (step.tokens + step.assumed_tokens) * (step.calls or 0) + judges


def _exact(usd: float | None) -> Decimal:
    return Decimal(str(usd or 0))


def _sum(spendings: Iterable[Spending | None]) -> Spending:
    known = [each for each in spendings if each is not None]
    usd = sum((_exact(each.usd) for each in known), Decimal(0))
    return Spending(usd=float(usd), tokens=sum(each.tokens for each in known))
