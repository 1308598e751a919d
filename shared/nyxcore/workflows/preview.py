"""What a run would send, and what it would cost at the most, before any model is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pydantic import Field

from nyxcore.errors import InvalidInput
from nyxcore.wire import WireModel
from nyxcore.workflows.definition import DEFAULT_OUTPUT_TOKENS, STRATEGIES, Step, StepType, Workflow
from nyxcore.workflows.dependencies import needs_of
from nyxcore.workflows.fan_out import items
from nyxcore.workflows.graph import order
from nyxcore.workflows.judging import question
from nyxcore.workflows.material.sections import OutputPart
from nyxcore.workflows.material.values import StepOutput, Values
from nyxcore.workflows.prompts.paths import parse_path
from nyxcore.workflows.prompts.rendering import Provenance
from nyxcore.workflows.resolving import Resolved, resolve


@dataclass(frozen=True)
class Terms:
    """What a preview has to know of models.

    Attributes
    ----------
    model : the one that is asked where a step names none.
    count : tokens of a text for a model.
    window : tokens that a model takes, its answer included.
    price : USD for tokens in and out; None where the price is not known.
    """

    model: str
    count: Callable[[str, str], int]
    window: Callable[[str], int]
    price: Callable[[str, int, int], float | None]


class StepPreview(WireModel):
    """One step as it would be sent. A step with forEach is shown for its first item."""

    key: str
    type: StepType
    needs: list[str] = Field(description="what it waits for, the steps that its texts name included")
    models: list[str] = Field(description="asked for one answer each; empty where no model is called")
    system: str | None
    prompt: str | None
    parts: list[Provenance]
    tokens: int = Field(description="of system and prompt, with placeholders as they stand")
    assumed_tokens: int = Field(description="what the outputs behind the placeholders may add at the most")
    output_tokens: int = Field(description="of one answer, at the most")
    calls: int | None = Field(
        description="for answers, without retries and judge; null where it depends on an output"
    )
    usd: float | None = Field(
        description="at the most, without retries; null where calls or a price are not known"
    )
    problem: str | None = Field(default=None, description="why it could not be sent")


class WorkflowPreview(WireModel):
    """Every step in an order in which they may run, and the sum; `usd` counts the steps whose cost is known."""

    steps: list[StepPreview]
    tokens: int
    usd: float
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
        tokens=sum((each.tokens + each.assumed_tokens) * (each.calls or 0) for each in steps),
        usd=sum(each.usd or 0.0 for each in steps),
        unknown=[each.key for each in steps if each.usd is None],
    )


@dataclass(frozen=True)
class _Previewer:
    workflow: Workflow
    values: Values
    terms: Terms
    personas: Mapping[str, str]
    needs: Mapping[str, list[str]]

    def step(self, step: Step) -> StepPreview:
        models = list(step.models or [step.model or self.terms.model]) if step.asks_model else []
        shown = StepPreview(
            key=step.key,
            type=step.type,
            needs=self.needs[step.key],
            models=models,
            system=None,
            prompt=None,
            parts=[],
            tokens=0,
            assumed_tokens=0,
            output_tokens=_output_tokens(step) if models else 0,
            calls=0,
            usd=0.0,
        )
        if step.type == "analysis":
            return shown
        try:
            count, values = _items(step, self.values)
            resolved = self._resolved(step, values, models[0] if models else self.terms.model)
        except InvalidInput as error:
            return shown.model_copy(update={"problem": error.message, "calls": None, "usd": None})
        text = {"prompt": resolved.prompt, "system": resolved.system if models else None}
        assumed = self._assumed(resolved)
        calls = (None if count is None else count * step.answers) if models else 0
        sizes = {
            "parts": list(resolved.parts),
            "tokens": resolved.tokens,
            "assumed_tokens": assumed,
            "calls": calls,
        }
        usd = self._usd(step, models, resolved.tokens + assumed, count)
        return shown.model_copy(update={**text, **sizes, "usd": usd})

    def _resolved(self, step: Step, values: Values, model: str) -> Resolved:
        return resolve(
            step,
            self.workflow,
            values,
            budget_tokens=self.terms.window(model) - _output_tokens(step),
            count=lambda text: self.terms.count(text, model),
            persona=self.personas.get(step.persona or "", ""),
            strategy=next(iter(STRATEGIES)) if step.alternatives > 1 else None,
        )

    def _assumed(self, resolved: Resolved) -> int:
        """What may stand in place of the placeholders of outputs: each as long as its step may answer."""
        paths = [parse_path(part.path) for part in resolved.parts if part.form == "placeholder"]
        keys = {path.step for path in paths if path is not None and path.step is not None}
        return sum(_output_tokens(self.workflow.step(key)) for key in keys)

    def _usd(self, step: Step, models: list[str], tokens: int, count: int | None) -> float | None:
        if not models:
            return 0.0
        if count is None:
            return None
        out = _output_tokens(step)
        prices = [
            self.terms.price(model, min(tokens, self.terms.window(model) - out), out) for model in models
        ]
        prices = [None if price is None else price * count * step.answers / len(models) for price in prices]
        if step.pick == "judge":
            prices.append(self._judge_usd(step))
        return None if None in prices else sum(price or 0.0 for price in prices)

    def _judge_usd(self, step: Step) -> float | None:
        """What the judge may cost, where every answer is as long as it may be."""
        model = step.judge.model if step.judge and step.judge.model else self.terms.model
        most = self.terms.window(model) - DEFAULT_OUTPUT_TOKENS
        answers = ["[an answer]"] * step.answers
        asked = question(
            step, self.workflow, answers, budget_tokens=most, count=lambda text: self.terms.count(text, model)
        )
        tokens = min(most, asked.tokens + step.answers * _output_tokens(step))
        return self.terms.price(model, tokens, DEFAULT_OUTPUT_TOKENS)


def _items(step: Step, values: Values) -> tuple[int | None, Values]:
    """How many items a step runs for (1 without forEach, None where an output decides), and the first one's values."""
    if step.for_each is None:
        return 1, values
    path = parse_path(step.for_each) if isinstance(step.for_each, str) else None
    known = path is None or path.step is None
    found = items(step, values) if known else []
    if found:
        return len(found), values.for_item(found[0])
    placeholder = OutputPart("", f"[one item of {step.for_each} stands here]")
    return 0 if known else None, values.for_item(placeholder, pending=True)


def _output_tokens(step: Step) -> int:
    return step.max_output_tokens or DEFAULT_OUTPUT_TOKENS
