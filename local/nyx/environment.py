"""What the shell decides, and the environment that the parts of the stack get instead of the shell's.

Variables
---------
NYX_HOME : folder of the state, in place of `.nyx` in the current folder.
NYX_DATABASE_URL : another database in place of the embedded one; the URL of the role that owns the schema.
NYX_APP_DATABASE_URL : URL of the role that functions connect as; the same as the owner's when not set.
NYX_AWS=real : the AWS variables of the shell hold; nothing of AWS is embedded then.

Every other `NYX_` variable is handed to the functions, as `nyxcore.settings` reads it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nyx.aws.functions import REGION
from nyx.errors import BadUsage
from nyx.home import Home

BUCKET: Final = "nyxcore"
_OURS: Final = {"NYX_HOME", "NYX_AWS", "NYX_DATABASE_URL", "NYX_APP_DATABASE_URL"}
_LOOPBACK: Final = '["127.0.0.0/8", "::1/128"]'
_REAL_NEEDS: Final = ("NYX_DATABASE_URL", "NYX_BUCKET", "NYX_STATE_MACHINES")


@dataclass(frozen=True)
class Shell:
    """The variables of the shell that mean something here."""

    owner_url: str | None
    app_url: str | None
    real_aws: bool
    functions: dict[str, str]  # NYX_ variables for the functions
    aws: dict[str, str]  # AWS_ variables, and what the AWS SDK needs beside them; only for real AWS

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Shell:
        """The shell's variables. Raises BadUsage where they contradict each other."""
        real = environment.get("NYX_AWS", "")
        if real not in {"", "real"}:
            raise BadUsage(f"NYX_AWS is {real!r}; leave it out for the embedded AWS, or set it to 'real'")
        owner = environment.get("NYX_DATABASE_URL") or None
        functions = {
            name: value
            for name, value in environment.items()
            if name.startswith("NYX_") and name not in _OURS
        }
        aws = {
            name: value for name, value in environment.items() if name.startswith("AWS_") or name == "HOME"
        }
        if real and (missing := [name for name in _REAL_NEEDS if not environment.get(name)]):
            raise BadUsage(
                f"NYX_AWS=real runs the API against what is deployed on AWS, and needs {', '.join(missing)} as well;"
                " leave NYX_AWS out for the embedded stack"
            )
        return cls(
            owner,
            environment.get("NYX_APP_DATABASE_URL") or owner,
            bool(real),
            functions,
            aws if real else {},
        )


_LAYERS: Final = Path(__file__).parents[2] / "layers"
CHROMIUM: Final = _LAYERS / "chromium/opt/chromium"
FONTS: Final = _LAYERS / "pages/opt/fonts"
"""What `make setup` unpacks, and `make build` packs into the layers."""


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a stack are, and the key that the embedded AWS takes."""

    app_url: str
    public_url: str
    aws_url: str
    access_key: str
    secret_key: str
    machines: Mapping[str, str]


def of_functions(shell: Shell, home: Home, addresses: Addresses) -> dict[str, str]:
    """The environment of the API and of the workers; nothing of the shell's but what is listed above."""
    common = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "TMPDIR": str(home.scratch()),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "POWERTOOLS_SERVICE_NAME": "nyxcore",
        "POWERTOOLS_METRICS_NAMESPACE": "nyxcore",
        "POWERTOOLS_TRACE_DISABLED": "1",
        "NYX_PUBLIC_BASE_URL": addresses.public_url,
        **shell.functions,
        "NYX_DATABASE_URL": addresses.app_url,
    }
    if shell.real_aws:
        return {**common, "NYX_DEPLOYMENT": "aws", **shell.aws}
    nothing = str(home.tmp / "no-such-file")
    return {
        **common,
        "NYX_CHROMIUM": shell.functions.get("NYX_CHROMIUM", str(CHROMIUM)),
        "NYX_FONTS": shell.functions.get("NYX_FONTS", str(FONTS)),
        "HOME": str(home.tmp),  # so that no configuration of the user's is read
        "NYX_DEPLOYMENT": "embedded",
        "NYX_BUCKET": BUCKET,
        "NYX_AWS_ENDPOINT_URL": addresses.aws_url,
        "NYX_CREDENTIAL_KEY_FILE": str(home.key("credentials")),
        # a model on the laptop itself, such as Ollama's
        "NYX_MODEL_ADDRESS_EXCEPTIONS": shell.functions.get("NYX_MODEL_ADDRESS_EXCEPTIONS", _LOOPBACK),
        "NYX_STATE_MACHINES": json.dumps(dict(addresses.machines)),
        "AWS_ACCESS_KEY_ID": addresses.access_key,
        "AWS_SECRET_ACCESS_KEY": addresses.secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
    }
