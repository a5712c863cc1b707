"""Files as exchanges: what is read, and what is said of a file that cannot be."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.importing.captured import CORPUS, EVENTS, NAMES, START, entries, entry, flow, har, request, result
from tests.core.importing.captured import tnetstring as written

from interpose.core.importing.reading import read_capture
from interpose.core.importing.sorting import sort

BODY = request(1, "ping").encode()


def test_a_flow_is_read_with_its_times_and_its_bytes() -> None:
    (exchange,) = read_capture(written(flow(BODY, b'{"jsonrpc":"2.0", "id":1,"result":{}}'))).exchanges
    assert (exchange.method, exchange.url, exchange.target) == ("POST", "https://mcp.example/mcp", "/mcp")
    assert (exchange.body, exchange.answer_body) == (BODY, b'{"jsonrpc":"2.0", "id":1,"result":{}}')
    assert (exchange.asked, exchange.answered, exchange.ended) == (START + 0.25, START, START + 0.25)
    assert exchange.answer_began == exchange.asked, "no answer is before its request was whole"


def test_flows_that_are_no_http_are_counted() -> None:
    capture = read_capture(written({"version": 21, "type": "tcp"}) + written(flow(BODY, b"")))
    assert (len(capture.exchanges), capture.others) == (1, 1)


@pytest.mark.parametrize("version", [19, 20, 21])
def test_the_flow_formats_of_mitmproxy_10_to_12_are_read(version: int) -> None:
    assert read_capture(written(flow(BODY, b"", version))).source == f"a mitmproxy flow file (format {version})"


def test_a_har_entry_is_read_with_its_times() -> None:
    timings = {"blocked": 5, "dns": 10, "connect": 15, "ssl": 5, "send": 20, "wait": 100, "receive": 50}
    (exchange,) = read_capture(har(entry(0, request(1, "ping"), result(1), timings=timings))).exchanges
    assert exchange.asked == pytest.approx(START + 0.050, abs=1e-5)
    assert exchange.answered == pytest.approx(START + 0.150, abs=1e-5)
    assert exchange.ended == pytest.approx(START + 0.200, abs=1e-5)


def test_the_time_that_mitmproxy_took_to_connect_is_no_part_of_an_exchange() -> None:
    timings = {"connect": 400, "ssl": -1, "send": 20, "wait": 100, "receive": 50}
    kept = har(entry(0, request(1, "ping"), result(1), timings=timings), creator="mitmproxy")
    assert read_capture(kept).exchanges[0].asked == pytest.approx(START + 0.020, abs=1e-5)


def test_an_entry_without_an_answer_has_none() -> None:
    unanswered = entry(0, request(1, "ping"), status=0)
    unanswered["response"]["_error"] = "net::ERR_FAILED"
    (exchange,) = read_capture(har(unanswered)).exchanges
    assert (exchange.status, exchange.ended, exchange.fault) == (None, None, "net::ERR_FAILED")


def test_bodies_in_base64_are_bytes_again() -> None:
    kept = entry(0, request(1, "ping"), result(1))
    kept["response"]["content"] |= {"text": base64.b64encode(b"\xff\x00").decode(), "encoding": "base64"}
    (exchange,) = read_capture(har(kept)).exchanges
    assert exchange.answer_body == b"\xff\x00"


def test_text_that_mitmproxy_took_for_latin_1_is_mended() -> None:
    spoilt = "data: wörld\n\n".encode().decode("latin-1")
    kept = har(entry(0, request(1, "ping"), spoilt, media_type=EVENTS), creator="mitmproxy")
    assert read_capture(kept).exchanges[0].answer_body == "data: wörld\n\n".encode()
    other = har(entry(0, request(1, "ping"), "data: \u0142\n\n", media_type=EVENTS), creator="mitmproxy")
    assert read_capture(other).exchanges[0].answer_body == "data: \u0142\n\n".encode()
    honest = har(entry(0, request(1, "ping"), spoilt, media_type=f"{EVENTS};charset=utf-8"), creator="mitmproxy")
    assert read_capture(honest).exchanges[0].answer_body == spoilt.encode()
    assert read_capture(har(entry(0, request(1, "ping"), spoilt))).exchanges[0].answer_body == spoilt.encode()


def test_pseudo_headers_of_browsers_are_no_headers() -> None:
    kept = entry(0, request(1, "ping"), headers=[(":authority", "mcp.example"), ("X-Own", "1")])
    assert [name for name, _ in read_capture(har(kept)).exchanges[0].headers] == ["X-Own", "Content-Type"]


def test_a_byte_order_mark_is_no_hindrance() -> None:
    assert read_capture(b"\xef\xbb\xbf" + har(entry(0, request(1, "ping")))).source == "a HAR file by Firefox"


LATER = written(flow(BODY, b"", 22))
SOUND = written(flow(BODY, b""))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b"GET / HTTP/1.1", "neither a HAR file nor a mitmproxy flow file"),
        (b'{"interpose":1,"session":"x"}', "a recording of interpose already"),
        (b'{\n "log": {\n', r"line 3, column 1: no JSON .*cut off: export it again"),
        (b'{"log":\n nonsense}', r"line 2, column 2: no JSON \(Expecting value\)$"),
        (b'{"log":' + b"[" * 100_000, "nested too deep for a HAR file"),
        (b'{"log": "\xff"}', "offset 9: a HAR file is UTF-8"),
        (b'{"entries": []}', "not a HAR 1.2 file .*`log`"),
        (b'{"log":{"version":"2.0","entries":[]}}', "HAR version 2.0 is newer"),
        (b'{"log":{"entries":[{"startedDateTime":5}]}}', r"not a HAR 1.2 file .*entries\[.*startedDateTime"),
        (har(entry(0, "x") | {"startedDateTime": "soon"}), r"\$.log.entries\[0\].startedDateTime: `soon` is no time"),
        (har(entry(0, "x", url="http://[")), "exchange 1: its address is none"),
        (har(entry(0, "x", status=99999)), "exchange 1: 99999 is no HTTP status"),
        (SOUND[:-1], r"^offset 0: cut off, 1 bytes are missing: mitmproxy was ended"),
        (SOUND + SOUND[:50], rf"offset {len(SOUND)}: cut off.*`head -c {len(SOUND)}` keeps that"),
        (SOUND + b"nonsense", f"offset {len(SOUND)}: no length of a value"),
        (SOUND + LATER, rf"offset {len(SOUND)}: flow format 22 is newer than what is read \(21\).*hardump"),
        (written(flow(BODY, b"", 18)), r"flow format 18 is older than what is read \(19\)"),
        (written({"version": (0, 18), "type": "http"}), "flow format .* is older"),
        (written(["version"]), "offset 0: no flow of mitmproxy"),
        (written(flow(BODY, b"") | {"request": {}}), r"offset 0: this flow is not as mitmproxy writes them .*request"),
        (written(flow(BODY, b"") | {"response": None, "error": {"msg": "x", "timestamp": 1e300}}), "is no time"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_what_to_do(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_capture(data)


def test_a_body_in_a_har_that_is_no_base64_is_named() -> None:
    kept = entry(0, request(1, "ping"), "!")
    kept["response"]["content"]["encoding"] = "base64"
    with pytest.raises(ValueError, match=r"\$.log.entries\[0\].response.content.text is no base64"):
        read_capture(har(kept))


FILES = [(CORPUS / f"{name}.{kind}").read_bytes() for name in NAMES[2:] for kind in ("flow", "har")]


@settings(max_examples=60)
@given(st.sampled_from(FILES), st.data())
def test_a_damaged_file_is_a_complaint_or_a_recording_never_a_failure(content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        capture = read_capture(bytes(damaged))
    except ValueError:
        return
    for session in sort(capture)[0]:
        assert entries(session)[-1].kind == "end"


def test_json_that_only_python_reads_does_not_break_a_recording() -> None:
    odd = entry(0, request(1, "ping"), result(1), headers=[("X", "\ud800"), ("X", "\u0000")])
    (session,), _ = sort(read_capture(har(odd)))
    assert entries(session)[-1].kind == "end"
    spelled = json.dumps(json.loads(har(odd))).replace('"wait": 1', '"wait": NaN')
    assert sort(read_capture(spelled.encode()))[1] == 0
