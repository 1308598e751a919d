"""moto with no more than S3 and Step Functions, and its Lambda calls answered by our own workers.

Eight places inside moto are replaced; the version is pinned, and tests hold each of them.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from nyx.aws.front import Environ, StartResponse
from nyx.aws.functions import ACCOUNT, REGION, Machine
from nyx.aws.objects import ObjectStore
from nyx.aws.pool import Outcome

type Invoke = Callable[[str, Any, str], Outcome]
type Event = dict[str, Any]

_PARSER: Final = "moto.stepfunctions.parser.asl.component.state.exec.state_task"
_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/embedded"


class Engine:
    """One moto.

    Parameters
    ----------
    port : where it will be served; moto calls itself there.
    objects : folder of the objects.
    bucket : the one bucket.
    invoke : runs a function, by its name, on an event, for the execution of this ARN.
    on_stop : given the ARN of each execution that StopExecution has ended.
    on_bad_end : given what EventBridge sends when an execution did not succeed.
    """

    def __init__(
        self,
        *,
        port: int,
        objects: Path,
        bucket: str,
        invoke: Invoke,
        on_stop: Callable[[str], None],
        on_bad_end: Callable[[Event], None],
    ) -> None:
        os.environ |= {"MOTO_PORT": str(port), "MOTO_ACCOUNT_ID": ACCOUNT}
        _leave_out_batch()
        from moto.core.config import default_user_config

        default_user_config["stepfunctions"]["execute_state_machine"] = True
        from moto.moto_server.werkzeug_app import create_backend_app
        from moto.s3 import models

        self._applications = {name: create_backend_app(name) for name in ("s3", "stepfunctions")}
        backend = models.s3_backends[ACCOUNT]["aws"]
        backend.create_bucket(bucket, REGION)
        self.store = ObjectStore(objects)
        self.store.attach(models, backend)
        _read_definitions_once()
        _answer_lambda_calls(invoke)
        _tell_of_stops(on_stop)
        _tell_of_bad_ends(on_bad_end)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI); moto's own choice between its services takes as long as many an answer."""
        states = environ.get("HTTP_X_AMZ_TARGET", "").startswith("AWSStepFunctions.")
        return self._applications["stepfunctions" if states else "s3"](environ, start_response)

    def create(self, machines: Iterable[Machine]) -> None:
        """Create the state machines. Raises ValueError where moto refuses a definition."""
        from moto.stepfunctions.parser.api import InvalidDefinition
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        backend = stepfunctions_parser_backends[ACCOUNT][REGION]
        for machine in machines:
            try:
                backend.create_state_machine(machine.kind, machine.definition, _ROLE)
            except InvalidDefinition as error:
                raise ValueError(f"the state machine {machine.kind} is refused: {error}") from error

    def forget_finished(self, keep: int = 200) -> None:
        """Drop the oldest finished executions: moto keeps every event of every one in memory."""
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        for machine in stepfunctions_parser_backends[ACCOUNT][REGION].state_machines:
            executions: list[Any] = machine.executions
            finished = [one for one in executions if one.exec_status != "RUNNING"]
            for execution in finished[:-keep]:
                executions.remove(execution)


def _leave_out_batch() -> None:
    """AWS Batch tasks pull in moto's EC2, a second of start-up; no state machine here has one."""
    name = f"{_PARSER}.service.state_task_service_batch"
    module = ModuleType(name)
    module.StateTaskServiceBatch = object  # type: ignore[attr-defined]
    sys.modules[name] = module


def _read_definitions_once() -> None:
    """moto reads the definition at the start of every execution, and a path at every use: longer than most tasks take.

    What it makes of it remembers nothing of an execution, but for the name under which each part keeps what it
    remembers there: given on first use, and by two executions at once perhaps twice.
    """
    from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
    from moto.stepfunctions.parser.asl.utils import json_path

    read = lru_cache(maxsize=32)(AmazonStateLanguageParser.parse)
    AmazonStateLanguageParser.parse = staticmethod(read)  # type: ignore[method-assign]
    EvalComponent.heap_key = property(lambda part: str(id(part)))  # type: ignore[assignment]
    json_path.parse = lru_cache(maxsize=256)(json_path.parse)  # type: ignore[attr-defined]


def _answer_lambda_calls(invoke: Invoke) -> None:
    from botocore.exceptions import ClientError
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

    integrate, current = lambda_eval_utils.execute_lambda_function_integration, threading.local()

    def integrated(env: Any, parameters: Any, region: str, state_credentials: Any) -> None:
        current.execution = env.states.context_object.context_object_data["Execution"]["Id"]
        integrate(env=env, parameters=parameters, region=region, state_credentials=state_credentials)

    def call(parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
        name = parameters["FunctionName"].split(":function:")[-1].split(":")[0]
        payload = parameters.get("Payload") or b"{}"
        event = json.load(io.BytesIO(payload) if isinstance(payload, bytes) else payload)
        try:
            outcome = invoke(name, event, current.execution)
        except KeyError:
            raise ClientError(
                {
                    "Error": {"Code": "ResourceNotFoundException", "Message": f"Function not found: {name}"},
                    "ResponseMetadata": {"HTTPStatusCode": 404, "RequestId": "embedded"},
                },
                "Invoke",
            ) from None
        answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": outcome.payload}
        return {**answer, "FunctionError": "Unhandled"} if outcome.failed else answer

    lambda_eval_utils._invoke_lambda_function = call
    lambda_eval_utils.execute_lambda_function_integration = integrated


def _tell_of_stops(on_stop: Callable[[str], None]) -> None:
    from moto.stepfunctions.parser.backend.execution import Execution

    stop = Execution.stop

    def stopped(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
        stop(self, stop_date=stop_date, error=error, cause=cause)
        on_stop(self.exec_arn)

    Execution.stop = stopped  # type: ignore[method-assign]


def _tell_of_bad_ends(on_bad_end: Callable[[Event], None]) -> None:
    """moto sends no "Step Functions Execution Status Change"; the template's SweepFunction listens to it."""
    from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

    reflect = BaseExecutionWorkerCommunication.terminated

    def terminated(self: Any) -> None:
        reflect(self)
        execution = self.execution
        if execution.exec_status != "SUCCEEDED":
            on_bad_end(
                {
                    "source": "aws.states",
                    "detail-type": "Step Functions Execution Status Change",
                    "account": ACCOUNT,
                    "region": REGION,
                    "resources": [execution.exec_arn],
                    "detail": {
                        "executionArn": execution.exec_arn,
                        "stateMachineArn": execution.state_machine.arn,
                        "name": execution.name,
                        "status": str(execution.exec_status.value),
                        "input": execution.execution_input,
                        "output": None,
                    },
                }
            )

    BaseExecutionWorkerCommunication.terminated = terminated  # type: ignore[method-assign]
