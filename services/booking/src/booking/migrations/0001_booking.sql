-- The event store, in the shape that eventsourcing 9.5 reads and writes. Written by one
-- transaction at a time, so that notification_id is commit order.
CREATE TYPE stored_event_uuid AS (
    originator_id      uuid,
    originator_version bigint,
    topic              text,
    state              bytea
);
CREATE TABLE bookings_events (
    originator_id      uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic              text NOT NULL,
    state              bytea NOT NULL,
    notification_id    bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX bookings_events_notification_id_idx ON bookings_events (notification_id);

-- The first answer to each command, by the client's key, in the transaction of its events.
CREATE TABLE idempotency_keys (
    tenant          text NOT NULL,
    route           text NOT NULL,
    key             text NOT NULL,
    body_hash       text NOT NULL,
    booking_id      uuid NOT NULL,
    version         bigint NOT NULL,
    settled_version bigint,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant, route, key)
);
CREATE INDEX idempotency_keys_by_booking ON idempotency_keys (booking_id);

-- Personal data: never in an event. A person's details have versions; events name one.
CREATE TABLE people (
    person_id  uuid NOT NULL,
    version    integer NOT NULL,
    tenant     text NOT NULL,
    email_key  text NOT NULL,
    name       text NOT NULL,
    email      text NOT NULL,
    phone      text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (person_id, version)
);
CREATE INDEX people_by_email ON people (tenant, email_key, version DESC);

-- What a client wrote: answers, notes, documents, and the words of a cancellation.
CREATE TABLE booking_words (
    booking_id    uuid PRIMARY KEY,
    tenant        text NOT NULL,
    answers       jsonb NOT NULL,
    notes         text,
    documents     jsonb NOT NULL,
    cancel_reason text
);

-- The list: a projection of the events, rebuilt from them at will.
CREATE TABLE booking_list (
    booking_id       uuid PRIMARY KEY,
    tenant           text NOT NULL,
    number           text NOT NULL,
    status           text NOT NULL,
    appointment_type text NOT NULL,
    title            text NOT NULL,
    starts_at        timestamptz NOT NULL,
    ends_at          timestamptz,
    time_zone        text NOT NULL,
    host_id          uuid,
    location_kind    text,
    attendee_id      uuid NOT NULL,
    attendee_version integer NOT NULL,
    version          bigint NOT NULL,
    created_at       timestamptz NOT NULL
);
CREATE INDEX booking_list_by_start ON booking_list (tenant, starts_at, booking_id);
CREATE INDEX booking_list_by_host ON booking_list (tenant, host_id, starts_at, booking_id);

-- How far each projection has come, in the transaction of its rows.
CREATE TABLE projection_positions (
    projection text PRIMARY KEY,
    position   bigint NOT NULL
);
INSERT INTO projection_positions (projection, position) VALUES ('booking_list', 0);
