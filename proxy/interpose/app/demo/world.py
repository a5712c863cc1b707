"""What the deployment assistant knows and changes: deployments, reports, consent, and who is told of changes.

Invented and in memory; no tool of the demo touches anything real.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from interpose.app.demo.wire import Json

STATUS = "deploy://status"
DIAGRAM = "deploy://diagram"
AUDIT = "deploy://audit"
ENVIRONMENTS = {"staging": "two small hosts", "production": "nine hosts behind a balancer"}
REGIONS = ["eu-north", "eu-west", "us-east"]
SERVICES = ["billing", "search", "shop"]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

Listener = Callable[[str, Json], None]


class World:
    """The one state all requests of a process share; listeners hear each change as a notification."""

    def __init__(self) -> None:
        self.consented = False
        self.account: str | None = None
        self._deployed: dict[str, Json] = {}
        self._reports: dict[str, str] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def deploy(self, service: str, environment: str, replicas: int) -> None:
        self._deployed[service] = {"environment": environment, "replicas": replicas}
        self._tell("notifications/resources/updated", {"uri": STATUS})

    def file_report(self, text: str) -> str:
        """Keeps a report and gives its address."""
        uri = f"deploy://reports/{len(self._reports) + 1}"
        self._reports[uri] = text
        self._tell("notifications/resources/list_changed", {})
        return uri

    def resources(self) -> list[Json]:
        everyone: Json = {"audience": ["user", "assistant"], "priority": 0.9}
        fixed: list[Json] = [
            {"uri": STATUS, "name": "status", "mimeType": "application/json", "annotations": everyone},
            {"uri": DIAGRAM, "name": "diagram", "title": "Network diagram", "mimeType": "image/png"},
            {"uri": AUDIT, "name": "audit", "description": "Needs consent", "mimeType": "text/plain"},
        ]
        return fixed + [
            {"uri": uri, "name": uri.removeprefix("deploy://"), "mimeType": "text/plain", "size": len(text)}
            for uri, text in self._reports.items()
        ]

    def read(self, uri: str) -> Json | None:
        """The contents at an address, if there are any."""
        if uri == DIAGRAM:
            return {"uri": uri, "mimeType": "image/png", "blob": PIXEL}
        if uri == STATUS:
            text = orjson.dumps(self._deployed).decode()
            return {"uri": uri, "mimeType": "application/json", "text": text}
        found = self._text(uri)
        return None if found is None else {"uri": uri, "mimeType": "text/plain", "text": found}

    def _text(self, uri: str) -> str | None:
        if uri == AUDIT:
            return "09:02 shop deployed by ada\n09:40 search rolled back by lin"
        if uri.startswith("deploy://environments/"):
            return ENVIRONMENTS.get(uri.removeprefix("deploy://environments/"))
        return self._reports.get(uri)

    def _tell(self, method: str, params: Json) -> None:
        for listener in self._listeners:
            listener(method, params)
