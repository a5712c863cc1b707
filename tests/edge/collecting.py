"""An OpenTelemetry collector on loopback, made of the official protobuf definitions: what it is sent must parse."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SECONDS = 10.0
_ID = re.compile(r'"(traceId|spanId|parentSpanId)":"([0-9a-f]*)"')


@dataclass
class Collecting:
    """What came, and what is answered. `answers` are the statuses of the next answers, then 200."""

    address: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    rejects: int = 0
    delay: float = 0.0
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.headers.append(dict(request.headers))
        await asyncio.sleep(self.delay)
        status = self.answers.pop(0) if self.answers else 200
        if status != 200:
            return web.Response(status=status, text="no")
        self.bodies.append(body)
        async with self.came:
            self.requests.append(_parsed(body))
            self.came.notify_all()
        response = ExportTraceServiceResponse()
        if self.rejects:
            response.partial_success.rejected_spans = self.rejects
            response.partial_success.error_message = "too old"
        return web.Response(text=json_format.MessageToJson(response), content_type="application/json")

    async def until(self, requests: int) -> None:
        """Wait until so many came."""
        async with asyncio.timeout(SECONDS), self.came:
            await self.came.wait_for(lambda: len(self.requests) >= requests)

    def spans(self) -> list[Span]:
        found = (scope.spans for sent in self.requests for each in sent.resource_spans for scope in each.scope_spans)
        return [span for spans in found for span in spans]

    def named(self, name: str) -> Span:
        [only] = [span for span in self.spans() if span.name == name]
        return only


@asynccontextmanager
async def collecting() -> AsyncIterator[Collecting]:
    collector = Collecting()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", collector.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    collector.address = f"http://{host}:{port}"
    try:
        yield collector
    finally:
        await runner.cleanup()


def _parsed(body: str) -> ExportTraceServiceRequest:
    """OTLP/JSON spells ids in hexadecimal, the JSON of protobuf in base64; all else is the same."""
    spelled = _ID.sub(lambda at: f'"{at[1]}":"{base64.b64encode(bytes.fromhex(at[2])).decode()}"', body)
    request = json_format.Parse(spelled, ExportTraceServiceRequest())
    for span in (span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans):
        assert (len(span.trace_id), len(span.span_id)) == (16, 8)
    return request
