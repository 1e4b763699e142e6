-- Links to outside calendars. The password is sealed with the service's key.
CREATE TABLE connections (
    id          uuid PRIMARY KEY,
    tenant      text NOT NULL,
    host_id     uuid NOT NULL,
    provider    text NOT NULL,
    url         text NOT NULL,
    username    text NOT NULL,
    password    bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    -- No entry of this calendar is tried before: a dead server is asked by one, not by each.
    quiet_until timestamptz NOT NULL,
    UNIQUE (tenant, host_id, url, username)
);

-- What is known of each booking, from its events. A row may come from a cancellation alone
-- (details_version 0): it stays, so that a confirmation that comes later changes nothing.
-- `version` is the booking's newest that was heard of, `revision` counts the changes here.
CREATE TABLE appointments (
    booking_id      uuid PRIMARY KEY,
    tenant          text NOT NULL,
    version         integer NOT NULL,
    revision        integer NOT NULL DEFAULT 1,
    cancelled       boolean NOT NULL,
    sequence        integer NOT NULL,
    changed_at      timestamptz NOT NULL,
    details_version integer NOT NULL DEFAULT 0,
    number          text,
    title           text,
    host_id         uuid,
    host_time_zone  text,
    attendee_id     uuid,
    starts_at       timestamptz,
    ends_at         timestamptz,
    place           jsonb
);
CREATE INDEX appointments_of_a_host ON appointments (tenant, host_id, starts_at);

-- A booking in one outside calendar: it should be there as of wanted_revision of the
-- appointment, and is as of written_revision. `fencing` counts the claims; only the newest may
-- say how it ended.
CREATE TABLE entries (
    booking_id       uuid NOT NULL REFERENCES appointments ON DELETE CASCADE,
    connection_id    uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    wanted_revision  integer NOT NULL,
    written_revision integer NOT NULL DEFAULT 0,
    stands           boolean NOT NULL DEFAULT false,
    attempts         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz NOT NULL,
    lease_until      timestamptz NOT NULL DEFAULT '-infinity',
    fencing          bigint NOT NULL DEFAULT 0,
    failed_at        timestamptz,
    failure          text,
    correlation_id   text NOT NULL,
    causation_id     text,
    traceparent      text,
    PRIMARY KEY (booking_id, connection_id)
);
CREATE INDEX entries_due ON entries (next_attempt_at)
    WHERE written_revision < wanted_revision AND failed_at IS NULL;
CREATE INDEX entries_of_a_connection ON entries (connection_id);

-- One private feed a host; of its token only the SHA-256 is kept.
CREATE TABLE feeds (
    tenant     text NOT NULL,
    host_id    uuid NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, host_id)
);
