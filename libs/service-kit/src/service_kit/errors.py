"""The errors that cross a service's border.

ProblemError        a refusal with a stable code; an RPC carries it to the caller
UnavailableError    nobody answered in time
"""

from contracts.envelope import Problem


class ProblemError(Exception):
    """A refusal that the caller is told of: `code` is stable, `message` is for people."""

    def __init__(self, code: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    @classmethod
    def of(cls, problem: Problem) -> "ProblemError":
        """The error that a `Problem` from the wire stands for."""
        return cls(problem.code, problem.message, **problem.details)

    def as_problem(self) -> Problem:
        """The reply that stands for this error on the wire."""
        return Problem(code=self.code, message=self.message, details=self.details)


class UnavailableError(Exception):
    """A service gave no answer in time; the command may or may not have been carried out."""
