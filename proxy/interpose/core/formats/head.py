"""The first and the last words of a transcript: which session this is, and how it ended."""

from typing import Any

from interpose.core.formats.excerpt import said
from interpose.core.formats.ledger import Ledger
from interpose.core.formats.outcome import Outcome
from interpose.core.formats.words import listed, plural
from interpose.core.recording.entry import Entry, Header
from interpose.core.session.opening import Opening
from interpose.core.session.reading import Info
from interpose.core.session.state import Counts

_COUNTED = (
    (Outcome.ERROR, "error"),
    (Outcome.TOOL_ERROR, "tool error"),
    (Outcome.HTTP_ERROR, "http error"),
    (Outcome.TASK_FAILED, "failed task"),
    (Outcome.LOST, "lost"),
    (Outcome.CANCELLED, "cancelled"),
)


def head(header: Header, opening: Opening | None, when: str) -> str:
    """`interpose · everything 2.0.0 · stdio node index.js · MCP 2025-11-25 · client inspector 0.17 · 2026-11-22 …`."""
    server, client = (opening.server, opening.client) if opening else (None, None)
    name = _party(server) or said(str(header.server.get("name", "server")), 60)
    words = ["interpose", name, _way(header), f"MCP {said(opening.version, 20)}" if opening and opening.version else ""]
    words.append(f"client {_party(client)}" if _party(client) else "")
    words.append(", ".join(_policy(policy) for policy in header.policies))
    words.append(when)
    return " · ".join(word for word in words if word)


def head_fields(header: Header, opening: Opening | None) -> dict[str, Any]:
    """The session for other programs: the keys are a contract."""
    return {
        "type": "session",
        "session": header.session,
        "started": header.started,
        "by": header.by,
        "client_end": header.client,
        "server_end": header.server,
        "version": opening.version if opening else None,
        "era": opening.era if opening else None,
        "client": _info(opening.client if opening else None),
        "server": _info(opening.server if opening else None),
        "policies": header.policies,
    }


def tally(ledger: Ledger, counts: Counts) -> str:
    """`41 messages: 12 requests by the client, 3 by the server · 1 error, 2 cancelled`."""
    asked = [f"{plural(ledger.clients, 'request')} by the client"] if ledger.clients else []
    asked += [f"{ledger.servers} by the server"] if ledger.servers else []
    asked += [plural(counts.asks, "ask")] if counts.asks else []
    asked += [plural(counts.tasks, "task")] if counts.tasks else []
    ended = [_counted(ledger.outcomes.count(outcome), noun) for outcome, noun in _COUNTED]
    ended += [f"{counts.opaque} no JSON-RPC"] if counts.opaque else []
    first = plural(counts.messages, "message") + (f": {', '.join(asked)}" if asked else "")
    return " · ".join(part for part in (first, ", ".join(word for word in ended if word)) if part)


def end_fields(ledger: Ledger, counts: Counts, last: Entry | None, problems: list[str]) -> dict[str, Any]:
    """How it ended, for other programs: the keys are a contract."""
    return {
        "type": "end",
        "seq": last.seq if last else None,
        "at": last.at if last else None,
        "reason": last.reason if last else None,
        "messages": counts.messages,
        "client_requests": ledger.clients,
        "server_requests": ledger.servers,
        "asks": counts.asks,
        "tasks": counts.tasks,
        "outcomes": {each.slug: found for each in Outcome if (found := ledger.outcomes.count(each))},
        "problems": problems,
    }


def _counted(number: int, noun: str) -> str:
    if not number:
        return ""
    return f"{number} {noun}" if noun in ("cancelled", "lost") else plural(number, noun)


def _way(header: Header) -> str:
    client, server = header.client.get("transport"), header.server.get("transport")
    way = said(str(server if client == server else f"{client} to {server}"), 30)
    target = header.server.get("url") or " ".join(map(str, header.server.get("command") or ()))
    return f"{way} {said(str(target), 100)}".rstrip()


def _policy(policy: dict[str, Any]) -> str:
    return "policy " + said(str(policy.get("name") or policy.get("file") or listed(sorted(policy))), 40)


def _party(info: Info | None) -> str:
    return " ".join(said(word, 40) for word in (info.name, info.version) if word) if info else ""


def _info(info: Info | None) -> dict[str, Any] | None:
    return {"name": info.name, "version": info.version} if info else None
