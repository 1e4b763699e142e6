"""What availability refuses.

InvalidError      a part of what was asked breaks a rule
NotFoundError     there is no such thing to be booked
"""


class InvalidError(Exception):
    """`field` names the part at fault, with dots into lists (`schedule.0.until`)."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class NotFoundError(Exception):
    """Nothing of that name in this tenant."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
