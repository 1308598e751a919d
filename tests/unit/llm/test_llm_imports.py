"""What needs no model loads nothing of one: the clients cost seconds, their prices half of one."""

import subprocess
import sys

import pytest

HEAVY = {
    "anthropic",
    "boto3",
    "cryptography",
    "genai_prices",
    "httpx2",
    "jsonschema",
    "openai",
    "pydantic_ai",
}


@pytest.mark.parametrize(
    "module",
    [
        "nyxcore.llm.calling",
        "nyxcore.llm.prices",
        "nyxcore.llm.clients",
        "nyxcore.llm.offline.answering",
        "pipelines.workflow.call",
    ],
)
def test_importing_loads_no_client(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert HEAVY & set(loaded.split()) == set()


def test_an_offline_answer_loads_no_client_either() -> None:
    code = (
        "import sys; from nyxcore.llm.calling import call; from nyxcore.llm.models import ModelCall;"
        "call(ModelCall(tenant_id='t', model='offline', prompt='x', limit_usd=0, limit_tokens=0));"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert HEAVY & set(loaded.split()) == set()
