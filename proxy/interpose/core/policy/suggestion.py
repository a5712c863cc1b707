"""What somebody who misspelt a word probably meant."""

from collections.abc import Iterable

# What people write who know other tools.
_SYNONYMS = {
    "action": "do",
    "direction": "from",
    "sender": "from",
    "type": "kind",
    "tools": "tool",
    "methods": "method",
    "prompts": "prompt",
    "resources": "resource",
    "match": "given",
    "where": "given",
    "if": "when",
    "regex": "matches",
    "pattern": "matches",
    "max": "at_most",
    "among": "in",
    "rules": "rule",
}


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, or nothing."""
    from difflib import get_close_matches

    words = {name: name for name in known}
    words |= {other: name for other, name in _SYNONYMS.items() if name in words and other not in words}
    close = get_close_matches(word.lower().replace("-", "_"), words, n=1, cutoff=0.6)
    return f"; did you mean `{words[close[0]]}`?" if close else ""
