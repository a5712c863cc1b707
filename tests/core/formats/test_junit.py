"""JUnit XML: what an XML reader gets back."""

from xml.etree import ElementTree

from interpose.core.formats.junit import Case, Suite, document


def read(*suites: Suite) -> ElementTree.Element:
    return ElementTree.fromstring("".join(document(suites)))


def test_cases_pass_fail_and_break() -> None:
    cases = (
        Case("a", "g"),
        Case("b", "g", failure="no", detail="1 < 2\n3"),
        Case("c", "g", detail="said", seconds=0.5),
    )
    suite = read(Suite("s", cases, "2026-01-02T10:00:00Z", broken="line 3: damaged"))[0]
    assert suite.attrib == {
        "name": "s",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "time": "0.500",
        "timestamp": "2026-01-02T10:00:00Z",
    }
    passed, failed, told, broken = suite
    assert (passed.attrib, list(passed)) == ({"name": "a", "classname": "g", "time": "0.000"}, [])
    assert (failed[0].tag, failed[0].get("message"), failed[0].text) == ("failure", "no", "1 < 2\n3")
    assert (told[0].tag, told[0].text) == ("system-out", "said")
    assert (broken[0].tag, broken[0].get("message")) == ("error", "line 3: damaged")


def test_names_survive_whatever_they_hold() -> None:
    odd = "<&>\"'\n\t\r\x00\x1b\ud800\ufffe ]]> é 😀"
    case = read(Suite(odd, (Case(odd, odd, odd, odd),)))[0][0]
    clean = "<&>\"'\n\t\r���� ]]> é 😀"
    assert case.get("name") == clean
    assert case[0].get("message") == clean
    assert case[0].text == clean.replace("\r", "\r")


def test_no_suites_are_a_document_too() -> None:
    assert read().tag == "testsuites"
