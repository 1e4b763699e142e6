"""What notify can do: hear of appointments, let reminders come due, deliver messages."""

from notify.application.appointments import Appointments, Cancelled
from notify.application.deliveries import Deliveries
from notify.application.ports import Directory, Publish
from notify.application.reminders import Reminders

__all__ = [
    "Appointments",
    "Cancelled",
    "Deliveries",
    "Directory",
    "Publish",
    "Reminders",
]
