"""What the command tells its user in one sentence."""


class StartError(Exception):
    """The system cannot start; the message is one clear sentence, and what to do about it."""
