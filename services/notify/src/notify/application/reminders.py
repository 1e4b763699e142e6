"""Reminders that come due, however late: each fires once, in one transaction with its mails."""

from dataclasses import dataclass

from notify.application.flows import resumed
from notify.application.ports import Publish
from notify.domain.notifications import ReminderCame
from notify.store import notifications, reminders
from service_kit.clock import Clock
from service_kit.database import Database


@dataclass(frozen=True)
class Reminders:
    """Fires due reminders, at most `batch` at a time."""

    database: Database
    clock: Clock
    publish: Publish
    batch: int = 100

    async def fire_due(self) -> int:
        """Fires what is due, and drops what nobody needs; answers how many there were.

        Many processes may call this at once: claimed rows are skipped by the others.
        """
        now = self.clock()
        async with self.database.transaction() as connection:
            due = await reminders.claim_due(connection, now, self.batch)
            if not due:
                return 0
            fired = [d for d in due if d.fires]
            for each in fired:
                with resumed(each.flow, "reminder due"):
                    await self.publish(connection, now, ReminderCame(each.reminder))
            await notifications.release(connection, [d.reminder.id for d in fired])
            dropped = [d.reminder.id for d in due if not d.fires]
            await notifications.drop_of_reminders(connection, dropped)
        return len(due)
