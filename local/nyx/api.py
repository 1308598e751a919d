"""The running stack's own HTTP API, as the command uses it: the same calls that any client makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import httpx

from nyx.errors import LocalError, StackStopped
from nyx.events import follow

type Json = dict[str, Any]


class ApiRefused(LocalError):
    """The API answered with a problem (RFC 9457); `problem_code` is its stable code, `answer` its status."""

    code: ClassVar[str] = "api_refused"

    def __init__(self, message: str, problem_code: str, status: int) -> None:
        super().__init__(message)
        self.problem_code = problem_code
        self.answer = status


class Api:
    """A client of one tenant."""

    def __init__(self, url: str, token: str) -> None:
        self._origin, self._token = url, token
        self._http = httpx.Client(
            base_url=f"{url}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(40.0, connect=5.0),
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **params: str) -> Json:
        """The JSON object at `path`; `params` join the query that `path` may have."""
        asked = str(httpx.URL(path).copy_merge_params(params))  # `params=` of httpx would take its place
        answer: Json = self._followed(self._send("GET", asked)).json()
        return answer

    def post(self, path: str, body: Json | None = None) -> Json:
        """Post `body`; the JSON object that was answered."""
        answer: Json = self._send("POST", path, json=body).json()
        return answer

    def put(self, path: str, body: Json) -> Json:
        """Put `body`; the JSON object that was answered."""
        answer: Json = self._send("PUT", path, json=body).json()
        return answer

    def content(self, path: str, accept: str) -> bytes:
        """The bytes at `path`, through a presigned link where the API answers with one."""
        return self._followed(self._send("GET", path, headers={"Accept": accept})).content

    def pdf(self, report_id: str, paper: str = "A4") -> bytes:
        """The report as PDF, however long printing it takes.

        Raises
        ------
        ApiRefused : there is no such report, or it cannot be printed; the message says why.
        """
        response = self._send("POST", "/reports/pdf", json={"reportId": report_id, "paper": paper})
        printed: Json = response.json()
        if response.status_code == httpx.codes.ACCEPTED:
            printed = self._printed(str(printed["id"]))
        return _linked(printed["url"]).content

    def _printed(self, run_id: str) -> Json:
        """What a run of kind `pdf` comes to."""
        for _ in follow(self._origin, self._token, run_id):
            continue
        run = self.get(f"/runs/{run_id}")
        if run["status"] != "succeeded":
            error = run["error"] or {"code": run["status"], "message": f"printing was {run['status']}"}
            raise ApiRefused(error["message"], error["code"], 0)
        result: Json = run["result"]
        return result

    def items(self, path: str, **params: str) -> Iterator[Json]:
        """Every item of a paged list."""
        cursor: str | None = None
        while True:
            page = self.get(path, limit="200", **params, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def _followed(self, response: httpx.Response) -> httpx.Response:
        """The response itself, or what the presigned link gives that it leads to: answers above 4 MB."""
        if response.status_code != httpx.codes.SEE_OTHER:
            return response
        return _linked(response.headers["Location"])

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise StackStopped(
                f"The running stack does not answer any more ({type(error).__name__}). Run the command again."
            ) from error
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise _refusal(response)
        return response


def _linked(url: str) -> httpx.Response:
    """What is at a presigned link; without our token, for S3 refuses a request that is authorised twice."""
    linked = httpx.get(url, timeout=60.0, trust_env=False)
    if linked.is_error:
        raise ApiRefused(
            f"storage answered {linked.status_code} to a link of the API", "bad_link", linked.status_code
        )
    return linked


def _refusal(response: httpx.Response) -> ApiRefused:
    try:
        problem = response.json()
        message, code = str(problem.get("detail") or problem["title"]), str(problem["code"])
    except (ValueError, KeyError):
        message, code = f"the API answered {response.status_code}", "api_refused"
    return ApiRefused(message, code, response.status_code)
