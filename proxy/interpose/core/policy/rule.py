"""The rules: what each does with what its selection picks, as models that are also the documentation. No behaviour."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

import msgspec
from pydantic import ConfigDict, Field, PrivateAttr, TypeAdapter, ValidationError, field_validator, model_validator

from interpose.core.policy.condition import JsonValue
from interpose.core.policy.field import Capability, Detector, Glob, JsonPath, Model, Pattern, Several, Text
from interpose.core.policy.jsonpath import Path
from interpose.core.policy.redact.names import DETECTOR_NAMES
from interpose.core.policy.selection import SELECTORS, Selection

Effect = Literal["deny", "hold", "edit", "allow", "note"]
Outcome = Literal["accept", "decline", "cancel", "reject", "error"]
Part = Literal["description", "inputSchema", "outputSchema", "annotations", "title"]
Place = Literal["wire", "recording"]

_PARTS: tuple[Part, ...] = get_args(Part)
_PLACES: tuple[Place, ...] = get_args(Place)
_MESSAGE = "What the one who is refused is told; it reads like a sentence."


def _check_for_elicitation(rule: Selection, outcome: str) -> None:
    if outcome in ("decline", "cancel") and rule.ask != ("elicitation",):
        raise ValueError(f'only elicitations can be answered `{outcome}`; add `ask = "elicitation"`, or use `reject`')


class Allow(Selection):
    """Lets it pass, where no other rule says otherwise."""

    effect: ClassVar[Effect] = "allow"
    do: Literal["allow"]

    @property
    def permits(self) -> bool:
        return True


class Block(Selection):
    """Refuses it: who sent it gets an answer that is legal there, the other side sees nothing."""

    effect: ClassVar[Effect] = "deny"
    do: Literal["block"]
    message: Text | None = Field(default=None, description=_MESSAGE, examples=["Sampling is switched off here."])


class Answer(Selection):
    """Answers it in the place of who would have, and forwards nothing."""

    effect: ClassVar[Effect] = "deny"
    do: Literal["answer"]
    outcome: Outcome = Field(
        description="`accept` with `content`; `decline` and `cancel` are for elicitations; `reject` is what a user who "
        "says no would send; `error` is an error with `code` and `message`."
    )
    content: dict[str, JsonValue] | None = Field(
        default=None,
        description="With `accept`: what a form was filled in with, or the whole result of another request.",
        examples=[{"environment": "staging"}],
    )
    code: int | None = Field(default=None, description="With `error`: the JSON-RPC error code.", examples=[-32601])
    message: Text | None = Field(default=None, description="With `error` or `reject`: what the asker is told.")

    @property
    def permits(self) -> bool:
        return self.outcome == "accept"

    @model_validator(mode="after")
    def _is_whole(self) -> "Answer":
        _check_for_elicitation(self, self.outcome)
        if self.content is not None and (self.outcome != "accept" or self.mode_is == "url"):
            raise ValueError('`content` is for the outcome `accept` only, and never for `mode_is = "url"`')
        if self.content is None and self.outcome == "accept" and self.mode_is != "url":
            raise ValueError('the outcome `accept` needs `content`, unless `mode_is = "url"`')
        if self.code is not None and self.outcome != "error":
            raise ValueError("`code` is for the outcome `error` only")
        if self.message is not None and self.outcome not in ("error", "reject"):
            raise ValueError("`message` is for the outcomes `error` and `reject` only")
        return self


class Redact(Selection):
    """Puts placeholders where secrets or personal data stand."""

    effect: ClassVar[Effect] = "edit"
    do: Literal["redact"]
    find: Several[Detector] | None = Field(
        default=None, description=f"What to look for: {', '.join(DETECTOR_NAMES)}.", examples=[["secrets", "email"]]
    )
    patterns: dict[str, Pattern] | None = Field(
        default=None,
        min_length=1,
        description="RE2 patterns by a name of your own. A group named `mask` is what is hidden, else the whole match.",
        examples=[{"ticket": "TICKET-(?P<mask>[0-9]+)"}],
    )
    paths: Several[Text] | None = Field(
        default=None,
        description="What is hidden whatever it says: paths in the whole message.",
        examples=["$.params.arguments.user['e-mail']"],
    )
    keys: Several[Text] | None = Field(
        default=None,
        description="Names of members whose values are hidden wherever they are. Letter case, `-` and `_` do not "
        "count.",
        examples=[["password", "api_key"]],
    )
    where: Several[Place] = Field(
        default=_PLACES, description="Where to hide it: from the other side (`wire`), in what is written down, or both."
    )

    @model_validator(mode="after")
    def _looks_for_something(self) -> "Redact":
        if not (self.find or self.patterns or self.paths or self.keys):
            raise ValueError("says nothing about what to hide; add `find`, `patterns`, `paths` or `keys`")
        from interpose.core.policy.redact.choice import Choice
        from interpose.core.policy.redact.detectors import PatternError, custom

        try:
            custom(self.patterns or {})
            Choice(self.paths or (), self.keys or ())
        except PatternError as refusal:
            raise ValueError(str(refusal)) from None
        return self


class Remembering(Selection):
    """A rule that keeps something from message to message."""

    _origin: str = PrivateAttr(default="")

    @property
    def identity(self) -> tuple[str, str]:
        """The policy it stands in and its name: under this it keeps what it keeps."""
        return self._origin, self.name

    def within(self, origin: str) -> Self:
        """The same rule as one of this policy."""
        rule = self.model_copy()
        rule._origin = origin
        return rule


class Put(Selection):
    """Sets a value, where its parent is there."""

    effect: ClassVar[Effect] = "edit"
    do: Literal["set"]
    path: JsonPath = Field(description="Where, as JSONPath; `$` as in conditions.", examples=["$.includeContext"])
    value: JsonValue = Field(description="The value to set.", examples=["none"])

    @field_validator("path")
    @classmethod
    def _names_one_place(cls, path: str) -> str:
        if not Path(path).singular or path.rstrip() == "$":
            raise ValueError(
                f"`{path}` can name several places, or all there is; `set` needs one member or item, "
                "like `$.arguments.path` or `$.messages[0]`"
            )
        return path


class Remove(Selection):
    """Removes what stands at a path."""

    effect: ClassVar[Effect] = "edit"
    do: Literal["remove"]
    path: JsonPath = Field(description="Where, as JSONPath; `$` as in conditions.", examples=["$.tools"])


class Cap(Selection):
    """Lowers a number that is too large."""

    effect: ClassVar[Effect] = "edit"
    do: Literal["cap"]
    path: JsonPath = Field(description="Where, as JSONPath; `$` as in conditions.", examples=["$.maxTokens"])
    at_most: int | float = Field(description="The largest number that passes.", examples=[300])


class Hide(Selection):
    """Leaves tools, prompts or resources out of lists, and refuses their use as if they did not exist."""

    effect: ClassVar[Effect] = "edit"
    do: Literal["hide"]
    unless_tool: Several[Glob] | None = Field(
        default=None, description="With `tool`: but not these.", examples=[["search", "read_*"]]
    )
    unless_prompt: Several[Glob] | None = Field(default=None, description="With `prompt`: but not these.")
    unless_resource: Several[Glob] | None = Field(
        default=None, description="With `resource`: but not these.", examples=["file:///srv/project/*"]
    )

    @model_validator(mode="after")
    def _hides_something(self) -> "Hide":
        for what in ("tool", "prompt", "resource"):
            if getattr(self, f"unless_{what}") and not getattr(self, what):
                raise ValueError(f'`unless_{what}` says what stays of `{what}`; add `{what} = "*"`')
        if not (self.tool or self.prompt or self.resource):
            raise ValueError("says nothing about what to hide; add `tool`, `prompt` or `resource`")
        return self


class Strip(Selection):
    """Takes capabilities out of what both sides declare, so that no peer tries to use them."""

    effect: ClassVar[Effect] = "edit"
    says_what: ClassVar[bool] = True
    do: Literal["strip"]
    capability: Several[Capability] = Field(
        description="Which ones, parts of one behind a dot.",
        examples=["sampling", ["elicitation.url", "roots", "tasks"]],
    )


class Pin(Remembering):
    """Holds tools to what they were when first seen, or to a file."""

    effect: ClassVar[Effect] = "edit"
    says_what: ClassVar[bool] = True
    do: Literal["pin"]
    parts: Several[Part] = Field(default=_PARTS, description="Which parts of a tool must stay as they are.")
    file: Text | None = Field(
        default=None,
        description="A file that holds what tools must be; it is written when it is not there.",
        examples=["tools.lock.json"],
    )
    on_change: Literal["block", "note"] = Field(
        default="block", description="`block` hides a changed tool and refuses its use; `note` only writes it down."
    )
    on_new: Literal["block", "note", "learn"] | None = Field(
        default=None,
        description="What becomes of a tool that comes after the first list, or that the file does not hold: `block` "
        "hides it and refuses its use, `note` only writes it down, `learn` holds it from then on to what it is. "
        "Without it: `learn`; with a `file`, what `on_change` says.",
    )

    @property
    def for_new(self) -> Literal["block", "note", "learn"]:
        """What becomes of a tool that is new."""
        return self.on_new or ("learn" if self.file is None else self.on_change)

    @model_validator(mode="after")
    def _blocks_or_not(self) -> "Pin":
        if self.on_change == "note" and self.on_new == "block":
            raise ValueError('a rule that blocks what is new blocks what changed, too; leave `on_change = "note"` out')
        return self


class Limit(Remembering):
    """Refuses what comes too often."""

    effect: ClassVar[Effect] = "deny"
    do: Literal["limit"]
    count: int | None = Field(default=None, ge=0, description="How many pass.", examples=[10])
    tokens: int | None = Field(
        default=None, ge=0, description="How many tokens sampling may ask for in all (`maxTokens`).", examples=[20000]
    )
    per: Literal["session", "call", "minute"] = Field(
        description="What the count is for: the whole session, each call, or any minute."
    )

    @model_validator(mode="after")
    def _limits_something(self) -> "Limit":
        if self.count is None and self.tokens is None:
            raise ValueError("says nothing about how much passes; add `count` or `tokens`")
        if self.tokens is not None and self.ask != ("sampling",):
            raise ValueError('`tokens` counts what sampling asks for; add `ask = "sampling"`')
        if self.per == "call" and self.ask is None:
            raise ValueError('`per = "call"` counts the asks of a call; add `ask`')
        return self


class Fault(Selection):
    """Makes trouble on purpose, to see how the peers bear it."""

    effect: ClassVar[Effect] = "deny"
    do: Literal["fault"]
    fault: Literal["delay", "drop", "error", "disconnect", "slow"] = Field(
        description="`delay` it by `seconds`, `drop` it, answer it with an `error`, `disconnect` who sent it, or send "
        "it `slow`ly over `seconds`."
    )
    seconds: float | None = Field(default=None, gt=0, description="With `delay` and `slow`: how long.", examples=[2.5])
    code: int | None = Field(default=None, description="With `error`: the JSON-RPC error code.", examples=[-32603])
    message: Text | None = Field(default=None, description="With `error`: its text.")

    @model_validator(mode="after")
    def _is_whole(self) -> "Fault":
        if (self.seconds is not None) != (self.fault in ("delay", "slow")):
            needs = "needs" if self.seconds is None else "has no use for"
            raise ValueError(f"the fault `{self.fault}` {needs} `seconds`")
        if self.fault != "error" and (self.code is not None or self.message is not None):
            raise ValueError("`code` and `message` are for the fault `error` only")
        return self


class Note(Selection):
    """Writes down that it happened."""

    effect: ClassVar[Effect] = "note"
    do: Literal["note"]
    text: Text | None = Field(default=None, description="What to write.", examples=["asked for the user's files"])


class Hold(Selection):
    """Holds it until somebody approves of exactly this.

    Without `kind`, no answers: they were approved with what they answer.
    """

    effect: ClassVar[Effect] = "hold"
    do: Literal["hold"]
    timeout: float = Field(gt=0, description="How many seconds to wait for the answer.", examples=[50])
    on_timeout: Literal["decline", "cancel", "reject", "error"] = Field(
        default="reject", description="What happens then; `decline` and `cancel` are for elicitations."
    )
    approver: Text | None = Field(default=None, description="Who is asked; the default one when nothing is said.")

    @model_validator(mode="before")
    @classmethod
    def _is_about_no_answer(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.keys() & {"kind", "ask", "all"} or not value.keys() & SELECTORS:
            return value
        return {**value, "kind": ["request", "notification"]}

    @model_validator(mode="after")
    def _ends(self) -> "Hold":
        _check_for_elicitation(self, self.on_timeout)
        return self


AnyRule = Allow | Block | Answer | Redact | Put | Remove | Cap | Hide | Strip | Pin | Limit | Fault | Note | Hold
Rule = Annotated[AnyRule, Field(discriminator="do")]
# The list: a new action is a new class, and its name in `AnyRule`.
ACTIONS: dict[str, type[AnyRule]] = {
    get_args(each.model_fields["do"].annotation)[0]: each for each in get_args(AnyRule)
}
RULE: TypeAdapter[AnyRule] = TypeAdapter(Rule, config=ConfigDict(defer_build=True))


def rule_of(table: Mapping[str, Any]) -> AnyRule:
    """The rule that a table says. Raises: ValidationError, whose places begin with what the rule does."""
    do = table.get("do")
    try:
        return ACTIONS[do].model_validate(table) if isinstance(do, str) else RULE.validate_python(table)
    except (KeyError, ValidationError):
        return RULE.validate_python(table)


class PolicyFile(Model):
    """A policy: rules over what an MCP client and server say to each other."""

    name: Text | None = Field(default=None, description="The policy's name; without it, the file's.")
    description: str | None = Field(default=None, description="What the policy is for.")
    rule: list[Rule] = Field(
        min_length=1,
        description="The rules, each under `[[rule]]`. Deny beats hold beats edit beats allow, whatever their order.",
    )


class Policy(msgspec.Struct, frozen=True):
    """Rules that were read and found whole. `digest` is the SHA-256 of the text.

    `locks` are the files of its pins, by the `file` of the rule, with what stands in them; absent where there is none.
    """

    name: str
    rules: tuple[AnyRule, ...]
    digest: str
    path: str = ""
    locks: Mapping[str, bytes] = {}

    def __post_init__(self) -> None:
        origin = self.path or self.name
        rules = tuple(rule.within(origin) if isinstance(rule, Remembering) else rule for rule in self.rules)
        msgspec.structs.force_setattr(self, "rules", rules)


def effect_of(rule: AnyRule) -> Effect:
    """What a rule comes to when it matches."""
    match rule:
        case Pin(on_change="note"):
            return "note"
        case Fault(fault="delay" | "slow"):
            return "edit"
        case _:
            return rule.effect
