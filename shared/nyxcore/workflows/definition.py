"""What a workflow is: the types behind its YAML or JSON, and behind the published JSON Schema.

These types say what each member may hold. What only the whole can show (unknown steps, cycles, paths that
lead nowhere) is found by `nyxcore.workflows.lint`. A text becomes a `Workflow` by `lint.load`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, JsonValue, StrictBool

from nyxcore.analysis.rules.tables import Category
from nyxcore.wire import A_NUMBER, Name, RequestModel

StepType = Literal["llm", "review", "analysis", "report"]
InputType = Literal["string", "number", "boolean", "list"]
Pick = Literal["person", "judge"]
ReportStyle = Literal["executive", "security", "technical", "marketing"]

STRATEGIES: Mapping[str, str] = {
    "balanced": "Weigh benefit, effort and risk against each other, and propose what a prudent team would do.",
    "conservative": "Propose the smallest change that reaches the goal; prefer what is proven and easy to undo.",
    "ambitious": "Propose what reaches furthest, even where it takes more effort, and say what it costs.",
}
"""The first, the second and the third alternative of a step, and how each is asked for."""

DEFAULT_OUTPUT_TOKENS = 4_096

MAX_STEPS = 1_000
MAX_FAN_OUT = 500
MAX_PROMPT_BYTES = 100_000
MAX_DOCUMENT_BYTES = 1_000_000
MAX_REVIEW_SECONDS = 365 * 86_400
MAX_CALL_SECONDS = 840  # a Lambda function lives for 900, and has to write down the answer

# An execution is named by run, step and attempt, in 80 characters of which a run's id takes 36.
KEY = r"^[A-Za-z][A-Za-z0-9_-]{0,39}$"
Key = Annotated[str, Field(pattern=KEY, examples=["analyse"])]
InputName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,39}$", examples=["topic"])]
ModelName = Annotated[
    str,
    Field(
        pattern=r"^(offline|[a-z][a-z0-9-]{0,39}:[!-~]{1,200})$",
        examples=["offline", "bedrock:anthropic.claude-sonnet-4-5", "openai:gpt-5"],
        description="`offline`, or a provider (or the name of a credential), a colon and the model's id",
    ),
]
Prompt = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_PROMPT_BYTES,
        description="text with references such as {{input}} or {{steps.analyse.content}}; \\{{ keeps them as text",
    ),
]
_Usd = Annotated[float, Field(ge=0, allow_inf_nan=False), A_NUMBER]


def _whole(least: int, most: int) -> object:
    return Field(ge=least, le=most)


class Budget(RequestModel):
    """What may be spent at the most; a call that could go above it is not made."""

    tokens: Annotated[int, Field(ge=1), A_NUMBER] | None = Field(
        default=None, description="in and out together"
    )
    usd: _Usd | None = Field(default=None, description="0 allows only what costs nothing")


class Input(RequestModel):
    """A value that whoever starts a run gives by name."""

    type: InputType = "string"
    description: str = Field(default="", max_length=2_000)
    required: StrictBool = True
    default: JsonValue = Field(
        default=None, description="taken when the run gives none; then it is not required"
    )


class Judge(RequestModel):
    """The model that picks an alternative, and what it looks at."""

    model: ModelName | None = Field(
        default=None, description="the first of the models that answer, where there is none"
    )
    persona: Key | None = None
    criteria: str = Field(
        default="",
        max_length=10_000,
        description="what counts, in words: the judge is given what the prompt names, and nothing is inserted here",
    )


class Answer(NamedTuple):
    """One of the answers that a step asks for side by side: whose it is, and which of `STRATEGIES` it follows."""

    label: str
    model: str
    strategy: str | None = None


class Step(RequestModel):
    """One step; what it `needs`, and what its prompt, `when` and `forEach` name, is finished before it begins."""

    key: Key
    title: Name | None = None
    type: StepType = "llm"
    needs: tuple[str, ...] = Field(default=(), description="keys of steps that are finished before")
    when: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None,
        description="the step is skipped where this is false",
        examples=['steps.review.decision == "approve" and not (input contains "draft")'],
    )
    prompt: Prompt | None = None
    system: Prompt | None = Field(
        default=None, description="stands before the prompt, as the model's instructions"
    )
    persona: Key | None = None
    model: ModelName | None = Field(
        default=None,
        description="where there is none, what whoever runs the deployment has set (NYX_DEFAULT_MODEL); else `offline`",
    )
    models: tuple[ModelName, ...] = Field(
        default=(), min_length=2, max_length=5, description="asked the same, side by side; instead of `model`"
    )
    fallbacks: tuple[ModelName, ...] = Field(default=(), max_length=5, description="tried in this order")
    temperature: Annotated[float, Field(ge=0, le=2), A_NUMBER] | None = None
    max_output_tokens: Annotated[int, _whole(1, 200_000), A_NUMBER] | None = None
    output_schema: dict[str, JsonValue] | None = Field(
        default=None, description="a JSON Schema of an object; the answer is read as `steps.<key>.data`"
    )
    for_each: str | tuple[str, ...] | None = Field(
        default=None,
        description="texts, or the path of a list or of an earlier output's sections: one call each, as `item`",
        examples=["steps.outline.sections", "input.files", ["security", "performance"]],
    )
    alternatives: Annotated[int, _whole(1, 3), A_NUMBER] = Field(
        default=1, description="answers to choose from: balanced, conservative, ambitious"
    )
    pick: Pick | None = Field(default=None, description="who chooses one of several answers")
    judge: Judge | None = None
    retries: Annotated[int, _whole(0, 10), A_NUMBER] = 2
    backoff: Annotated[float, Field(gt=0, le=300), A_NUMBER] = Field(
        default=2.0, description="seconds before the first retry; twice as long before each further one"
    )
    timeout: Annotated[int, _whole(1, MAX_REVIEW_SECONDS), A_NUMBER] | None = Field(
        default=None, description=f"seconds; at most {MAX_CALL_SECONDS} save for a review, which expires then"
    )
    budget: Budget | None = None
    categories: tuple[Category, ...] = Field(
        default=(), description="what an analysis looks for; all when empty"
    )
    style: ReportStyle | None = Field(default=None, description="of a report")

    @property
    def asks_model(self) -> bool:
        """Whether a model is called: a report without a prompt puts together what it needs, and needs none."""
        return self.type == "llm" or (self.type == "report" and self.prompt is not None)

    @property
    def answers(self) -> int:
        """How many answers stand side by side: one for each alternative or model."""
        return len(self.models) or self.alternatives

    @property
    def output_tokens(self) -> int:
        """What one answer has at the most."""
        return self.max_output_tokens or DEFAULT_OUTPUT_TOKENS

    def asked(self, default: str) -> tuple[str, ...]:
        """The models that answer; `default` where the step names none."""
        return self.models or (self.model or default,)

    def asks_for(self, default: str) -> list[Answer]:
        """The answers side by side: one of each model, one for each alternative, or the only one."""
        models = self.asked(default)
        if self.models:
            return [Answer(name, name) for name in models]
        if self.alternatives > 1:
            return [Answer(label, models[0], label) for label in list(STRATEGIES)[: self.alternatives]]
        return [Answer("", models[0])]

    def judged_by(self, default: str) -> str:
        """The model that picks one of the answers: the judge's own, else the first of those that answer."""
        own = self.judge.model if self.judge else None
        return own or self.asked(default)[0]


class Workflow(RequestModel):
    """A goal, and the steps that lead to it."""

    format: Literal[1] = Field(default=1, description="of this document; there is one so far")
    name: Name
    description: str = Field(default="", max_length=10_000)
    goal: Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"\S")] = Field(
        description="what the run is for; every prompt that names no step is given it"
    )
    inputs: Mapping[InputName, Input] = Field(default_factory=dict)
    context: tuple[str, ...] = Field(
        default=("input",),
        description="what a prompt that names no step is given besides the goal and the outputs that it needs",
        examples=[["input", "memory", "docs.architecture", "policies", "project.wisdom"]],
    )
    budget: Budget | None = None
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MAX_STEPS)

    def step(self, key: str) -> Step:
        """The step of this key; KeyError where there is none."""
        for step in self.steps:
            if step.key == key:
                return step
        raise KeyError(key)
