"""The JSON Schema of a policy file, for editors: names, descriptions and examples come from the models."""

from typing import Any

from interpose.core.policy.rule import PolicyFile


def policy_schema() -> dict[str, Any]:
    """JSON Schema 2020-12."""
    schema = PolicyFile.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "interpose policy",
        **{name: value for name, value in schema.items() if name != "title"},
    }
