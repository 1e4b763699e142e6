-- One row a booking. A booking that was cancelled before its confirmation came leaves a closed
-- row without a room, so that the late confirmation finds it and does nothing.
CREATE TABLE meetings (
    booking_id      uuid PRIMARY KEY,
    tenant          text NOT NULL,
    meeting_id      uuid NOT NULL UNIQUE,
    state           text NOT NULL CHECK (state IN ('wanted', 'ready', 'failed', 'closed')),
    provider        text,
    room            text UNIQUE,
    reference       text,
    starts_at       timestamptz,
    ends_at         timestamptz,
    ready_at        timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    lease_until     timestamptz,
    fencing         bigint NOT NULL DEFAULT 0,
    last_error      text,
    correlation_id  text,
    causation_id    text,
    traceparent     text,
    CHECK (state = 'closed' OR (provider IS NOT NULL AND room IS NOT NULL
           AND starts_at IS NOT NULL AND ends_at IS NOT NULL)),
    CHECK (state <> 'ready' OR (reference IS NOT NULL AND ready_at IS NOT NULL)),
    CHECK (state <> 'wanted' OR next_attempt_at IS NOT NULL)
);
CREATE INDEX meetings_wanted ON meetings (next_attempt_at) WHERE state = 'wanted';
