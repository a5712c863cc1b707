"""What a rule is about: the fields that every rule has, whatever it does. Not how they are compared: see select.py."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from interpose.core.policy.condition import Condition
from interpose.core.policy.field import Glob, Host, Model, Several, Text
from interpose.core.policy.suggestion import suggestion
from interpose.core.policy.when import check_when
from interpose.core.protocol import AskKind
from interpose.core.session.notes import NOTES


def _known_note(word: str) -> str:
    if word not in NOTES:
        raise ValueError(f"`{word}` is nothing that is noted{suggestion(word, NOTES)}; known are {', '.join(NOTES)}")
    return word


Note = Annotated[str, AfterValidator(_known_note)]
Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
_ASK_ONLY = ("mode_is", "host", "unless_host", "nth_of_call", "nth_of_session", "asked_again", "declared")
_MESSAGE_ONLY = ("task_status", "ttl_over")
_NO_SELECTORS = frozenset({"name", "mode", "all", "do"})


class Selection(Model):
    """Which messages and asks a rule is about. Every field that is there must hold."""

    # Actions that name what they are about themselves need no selector.
    says_what: ClassVar[bool] = False

    name: Text = Field(
        description="The rule's own name: it stands in the recording, in refusals and in reports.",
        examples=["no-sampling"],
    )
    mode: Literal["enforce", "audit"] = Field(
        default="enforce", description="`audit` writes down what the rule would have done, and does nothing."
    )
    all: bool = Field(
        default=False, description="`true` for a rule about every message: without it, a rule needs a selector."
    )
    ask: Several[AskKind] | None = Field(
        default=None,
        description="What the server's side asks of the user's side: a request to the model, a question or link for "
        "the user, the user's directories. The same in every protocol version, in requests, in results and in tasks. "
        "The rule is then about the ask, not about the message that carries it.",
        examples=["sampling", ["sampling", "elicitation"]],
    )
    mode_is: Literal["form", "url"] | None = Field(
        default=None, description="The mode of an elicitation: a form to fill in, or a URL to open."
    )
    method: Several[Glob] | None = Field(
        default=None,
        description="Method names, with `*` and `?`. A response has the method of its request.",
        examples=["tools/call", ["resources/*", "prompts/*"]],
    )
    tool: Several[Glob] | None = Field(
        default=None,
        description="Names of tools, with `*` and `?`, in exact case: calls of them and what they answer; with `ask`, "
        "the asks made during such a call.",
        examples=["delete_*"],
    )
    prompt: Several[Glob] | None = Field(
        default=None, description="Names of prompts, with `*` and `?`, in exact case.", examples=["review"]
    )
    resource: Several[Glob] | None = Field(
        default=None, description="URIs of resources, with `*` and `?`, in exact case.", examples=["file:///srv/*"]
    )
    sender: Literal["client", "server"] | None = Field(default=None, alias="from", description="Who sent the message.")
    kind: Several[Literal["request", "result", "error", "notification"]] | None = Field(
        default=None,
        description="What the message is. With `ask`: `request` is the asking, and what is meant when nothing is said; "
        "`result` and `error` are the answer to it.",
        examples=["request", ["result", "error"]],
    )
    era: Literal["stateful", "stateless"] | None = Field(
        default=None,
        description="`stateful`: protocol versions up to 2025-11-25; `stateless`: 2026-07-28 and later.",
    )
    server: Several[Glob] | None = Field(
        default=None,
        description="Names of servers as configured, with `*` and `?`; never as a server calls itself.",
        examples=["github"],
    )
    host: Several[Host] | None = Field(
        default=None,
        description="The URL of an elicitation has one of these hosts. `*.example.com` is every host below it.",
        examples=["accounts.example.com"],
    )
    unless_host: Several[Host] | None = Field(
        default=None,
        description="The URL of an elicitation has none of these hosts. Forms have no URL and are never meant.",
        examples=[["accounts.example.com", "*.example.org"]],
    )
    given: Several[Condition] | None = Field(
        default=None,
        description="All of these conditions are met. Where a path leads to several values, one that meets the "
        "condition is enough; a rule that permits (`allow`, `answer` with `accept`) needs all of them to.",
    )
    unless: Several[Condition] | None = Field(
        default=None,
        description="None of these conditions is met. Where a path leads to several values, all of them must meet the "
        "condition to free a message from the rule; for a rule that permits, one is enough to take it away.",
    )
    nth_of_call: int | None = Field(
        default=None,
        ge=1,
        description="The ask is this one, or a later one, of its kind in the call it belongs to.",
        examples=[3],
    )
    nth_of_session: int | None = Field(
        default=None,
        ge=1,
        description="The ask is this one, or a later one, of its kind in the session.",
        examples=[20],
    )
    asked_again: bool | None = Field(
        default=None, description="An elicitation with the same message was declined, dismissed or refused before."
    )
    task_status: Several[Status] | None = Field(
        default=None, description="The message shows a task in one of these states.", examples=["failed"]
    )
    ttl_over: float | None = Field(
        default=None,
        ge=0,
        description="The message asks for, or shows, a task that is kept for more seconds than this, or for ever.",
        examples=[3600],
    )
    noted: Several[Note] | None = Field(
        default=None,
        description="The session found one of these things odd about the message, for example `unknown-task`: a task "
        "id that was not handed out before.",
        examples=["unknown-task", ["unknown-state", "wrong-direction"]],
    )
    declared: bool | None = Field(
        default=None, description="Whether the client declared the capability that the ask needs."
    )
    when: Annotated[str, AfterValidator(check_when)] | None = Field(
        default=None,
        description="An expression in CEL that must be true (needs the extra `cel`). It knows `method`, `name`, "
        "`kind`, `sender`, `era`, `server`, `ask`, `mode` (texts, empty where there is none) and `value` (what `$` is "
        "in paths).",
        examples=["value.maxTokens > 1000 && size(value.messages) > 20"],
    )

    @property
    def permits(self) -> bool:
        """Whether matching lets something happen: then a doubt counts as no match."""
        return False

    @field_validator("given", "unless", mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _says_what_it_is_about(self) -> "Selection":
        said = self.model_fields_set & SELECTORS
        if self.all and said:
            raise ValueError(f"`all = true` and `{_key(min(said))}` say two things; remove one of them")
        if not self.all and not said and not self.says_what:
            raise ValueError("names no messages; add a selector, or `all = true` for every message")
        return self

    @model_validator(mode="after")
    def _fits_asks(self) -> "Selection":
        for name in _ASK_ONLY:
            if name in self.model_fields_set and self.ask is None:
                what = "sampling" if name in ("nth_of_call", "nth_of_session", "declared") else "elicitation"
                raise ValueError(f'`{name}` is about asks; add `ask = "{what}"`')
        for name in _MESSAGE_ONLY:
            if name in self.model_fields_set and self.ask is not None:
                raise ValueError(f"`{name}` is about messages that show a task, `ask` about asks; make it two rules")
        return self

    @model_validator(mode="after")
    def _fits_elicitation(self) -> "Selection":
        for name in ("mode_is", "host", "unless_host", "asked_again"):
            if name in self.model_fields_set and self.ask != ("elicitation",):
                raise ValueError(f'`{name}` is about elicitations; write `ask = "elicitation"` alone')
        if self.mode_is == "form" and (self.host or self.unless_host):
            raise ValueError('a form has no URL; write `mode_is = "url"`, or leave `host` and `unless_host` out')
        return self


SELECTORS = frozenset(Selection.model_fields) - _NO_SELECTORS


def _key(name: str) -> str:
    """A field as a person writes it."""
    return Selection.model_fields[name].alias or name
