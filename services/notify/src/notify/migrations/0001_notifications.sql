-- What notify knows of a booking. The row is there from the first event about it, whichever that
-- is; people stand here by id only.
CREATE TABLE appointments (
    booking_id      uuid PRIMARY KEY,
    tenant          text NOT NULL,
    status          text NOT NULL DEFAULT 'unknown'
                    CHECK (status IN ('unknown', 'confirmed', 'cancelled')),
    meeting         text NOT NULL DEFAULT 'awaited'
                    CHECK (meeting IN ('awaited', 'ready', 'failed')),
    sequence        integer NOT NULL DEFAULT 0,
    starts_at       timestamptz,
    ends_at         timestamptz,
    time_zone       text,
    host_id         uuid,
    attendee_id     uuid,
    guest_ids       uuid[],
    remind_by_email boolean,
    terms           jsonb,
    CHECK (status <> 'confirmed' OR (starts_at IS NOT NULL AND ends_at IS NOT NULL
           AND time_zone IS NOT NULL AND host_id IS NOT NULL AND attendee_id IS NOT NULL
           AND guest_ids IS NOT NULL AND remind_by_email IS NOT NULL AND terms IS NOT NULL))
);

-- Reminders and when they come due: each fires once, whoever claims it.
CREATE TABLE reminders (
    reminder_id    uuid PRIMARY KEY,
    tenant         text NOT NULL,
    booking_id     uuid NOT NULL REFERENCES appointments,
    minutes_before integer NOT NULL,
    due_at         timestamptz NOT NULL,
    state          text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'fired', 'dropped')),
    correlation_id text NOT NULL,
    causation_id   text,
    traceparent    text
);
CREATE INDEX reminders_due ON reminders (due_at) WHERE state = 'planned';
CREATE INDEX reminders_of_booking ON reminders (booking_id);

-- Messages to send. The id follows from what the message is for, so none is planned twice.
--   planned  its time has not come        waiting  in delivery, or between two attempts
--   with_link: whether the mail that went out could tell how to join
CREATE TABLE notifications (
    notification_id uuid PRIMARY KEY,
    tenant          text NOT NULL,
    booking_id      uuid NOT NULL REFERENCES appointments,
    reminder_id     uuid REFERENCES reminders,
    kind            text NOT NULL
                    CHECK (kind IN ('confirmation', 'update', 'cancellation', 'reminder')),
    channel         text NOT NULL,
    recipient       uuid NOT NULL,
    role            text NOT NULL CHECK (role IN ('attendee', 'guest', 'host')),
    sequence        integer NOT NULL,
    calendar        boolean NOT NULL,
    due_at          timestamptz NOT NULL,
    state           text NOT NULL DEFAULT 'planned'
                    CHECK (state IN ('planned', 'waiting', 'sent', 'failed', 'dropped')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    lease_until     timestamptz,
    fencing         bigint NOT NULL DEFAULT 0,
    sent_at         timestamptz,
    with_link       boolean,
    last_error      text,
    correlation_id  text NOT NULL,
    causation_id    text,
    traceparent     text,
    CHECK ((kind = 'reminder') = (reminder_id IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
CREATE INDEX notifications_due ON notifications (next_attempt_at)
    WHERE state IN ('planned', 'waiting');
CREATE INDEX notifications_of_booking ON notifications (booking_id);
CREATE INDEX notifications_in_hand ON notifications (booking_id, recipient)
    WHERE state = 'waiting' AND lease_until IS NOT NULL;
CREATE INDEX notifications_of_reminder ON notifications (reminder_id);
