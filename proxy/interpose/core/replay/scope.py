"""A place in messages, and which messages: `tools/call get_time $.result.content[*].text`, or a JSONPath alone."""

import re
from typing import Any

from interpose.core.policy.fault import RuleFault
from interpose.core.policy.glob import Matcher, matcher
from interpose.core.policy.jsonpath import Location, Path, PathError

_WRITTEN = re.compile(r"(?:(\S+)(?: (.+?))? )?(\$.*)", re.DOTALL)


class Scope:
    """A path into whole messages, of one method and name where these stand in front of it: globs, both.

    Raises: PathError for what is none.
    """

    def __init__(self, text: str) -> None:
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise PathError(f"the path `{text}` has no `$`; write it like `$.params.arguments.when`")
        self.text = text
        self.method, self.name, path = match.groups()
        self.path = Path(path)
        self._is_method, self._is_name = _matcher(self.method), _matcher(self.name)

    def locations(self, body: dict[str, Any], method: str | None, name: str | None) -> list[Location]:
        """Where it leads in a message of that method; without a name, of the name in the message itself.

        Nowhere when it would lead to too many places: it is none for such a message.
        """
        try:
            if not (_is(self._is_method, method) and _is(self._is_name, name or name_of(body))):
                return []
            return [location for location, _ in self.path.nodes(body)]
        except RuleFault:
            return []


def _matcher(glob: str | None) -> Matcher | None:
    if glob is None:
        return None
    try:
        return matcher([glob])
    except UnicodeEncodeError:
        raise PathError(f"{glob!a} is no valid text") from None


def _is(wanted: Matcher | None, value: str | None) -> bool:
    return wanted is None or (value is not None and wanted(value))


def name_of(body: Any) -> str | None:
    """What a request or notification is about: the name or the URI in its params."""
    params = body.get("params") if isinstance(body, dict) else None
    if not isinstance(params, dict):
        return None
    found = params.get("name", params.get("uri"))
    return found if isinstance(found, str) else None
