"""The published JSON Schema of a workflow, made from its types.

`python -m nyxcore.workflows.schema > docs/workflow.schema.json` writes it anew; a test holds the two equal.
"""

from __future__ import annotations

import json
import sys

from nyxcore.workflows.definition import Workflow

SCHEMA_ID = "urn:nyxcore:workflow:1"


def schema_text() -> str:
    """The schema (JSON Schema 2020-12) as the file holds it."""
    schema = Workflow.model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID}
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
