"""The errors of this package, and how a response becomes one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recommendations.summary import Summary
    from .steps import Response

# Statuses that a proxy in front of Usher may answer with, without a problem document, and that pass.
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class UsherError(Exception):
    """A call that Usher refused or did not answer.

    `code` is stable (docs/CONTRACT.md, "Error codes"), or one of this package: `no_response` (the connection failed
    or timed out), `not_understood` (the response is not Usher's), `missing_totals` (an upload ended without its totals),
    `in_use` (another process pushes the same file).
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{detail} ({code})")
        self.code = code
        self.detail = detail
        self.status = status
        """The HTTP status; None when there was no response."""
        self.retryable = retryable
        """Whether the same call may succeed later, unchanged."""
        self.retry_after = retry_after
        """Seconds after which to try again, when the server said so."""
        self.problem: Mapping[str, Any] = problem or {}
        """The whole problem document: further members say more, as `errors` of an invalid body does."""

    @property
    def is_about_credentials(self) -> bool:
        """Whether another key (or another scope of it) is needed."""
        return self.status in (401, 403)


class PushError(UsherError):
    """A push that ended early. `summary` says how far it came; what was sent stays, and the next push resumes."""

    def __init__(self, cause: UsherError, summary: Summary) -> None:
        super().__init__(
            cause.code,
            cause.detail,
            status=cause.status,
            retryable=cause.retryable,
            retry_after=cause.retry_after,
            problem=cause.problem,
        )
        self.summary = summary


class SourceError(Exception):
    """The file or the rows to be pushed cannot be read. The message names the file and the reason."""


def error_of(response: Response) -> UsherError:
    """Returns the error that a response with a status of 400 or more, or an unexpected one, stands for."""
    problem = _problem(response)
    retry_after = _seconds(response.headers.get("retry-after"))
    if problem is not None:
        return problem_error(problem, status=response.status, retry_after=retry_after)
    # The body is a stranger's and may hold anything: it is not repeated.
    if response.status in _PASSING:
        code = "rate_limited" if response.status == 429 else "unavailable"
        detail = f"The server answered {response.status} without saying why"
        return UsherError(
            code, detail, status=response.status, retryable=True, retry_after=retry_after
        )
    detail = f"The server answered {response.status}, and not as Usher does; is the URL right?"
    return UsherError("not_understood", detail, status=response.status)


def problem_error(
    problem: Mapping[str, Any], *, status: int | None, retry_after: float | None = None
) -> UsherError:
    """Returns the error of a problem document (RFC 9457)."""
    after_ms = problem.get("retryAfterMs")
    if retry_after is None and isinstance(after_ms, int | float):
        retry_after = after_ms / 1000
    detail = problem.get("detail") or problem.get("title") or "The call was refused"
    return UsherError(
        str(problem["code"]),
        str(detail),
        status=status,
        retryable=problem.get("retryable") is True,
        retry_after=retry_after,
        problem=problem,
    )


def _problem(response: Response) -> Mapping[str, Any] | None:
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        value = json.loads(response.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("code"), str) else None


def _seconds(header: str | None) -> float | None:
    """Usher sends whole seconds; the other form of the header, a date, is a proxy's and ignored."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None
