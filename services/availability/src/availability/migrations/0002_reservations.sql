-- One row a booking: what came of its request. A booking that was cancelled before its request
-- came has a row that is `released` and was never reserved. What was asked for in vain is not kept.
CREATE TABLE reservations (
    id               uuid PRIMARY KEY,
    tenant           text NOT NULL,
    booking_id       uuid NOT NULL,
    status           text NOT NULL CHECK (status IN ('reserved', 'rejected', 'released')),
    appointment_type text,
    host_id          uuid,
    starts_at        timestamptz,
    ends_at          timestamptz,
    decided_at       timestamptz NOT NULL,
    released_at      timestamptz,
    UNIQUE (tenant, booking_id),
    CHECK (status <> 'reserved' OR (host_id IS NOT NULL AND starts_at < ends_at)),
    CHECK (status <> 'reserved' OR appointment_type IS NOT NULL),
    CHECK ((status = 'released') = (released_at IS NOT NULL))
);

-- A resource, occupied for a period (buffers included). No two active ones overlap: this
-- constraint is what keeps anybody from being double-booked.
CREATE TABLE claims (
    reservation_id uuid NOT NULL REFERENCES reservations (id),
    resource_key   bigint NOT NULL REFERENCES resources (key),
    period         tstzrange NOT NULL,
    active         boolean NOT NULL DEFAULT true,
    PRIMARY KEY (reservation_id, resource_key),
    CHECK (NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)),
    CONSTRAINT claims_never_overlap EXCLUDE USING gist (
        -- A range of one key compares for equality without the btree_gist extension.
        int8range(resource_key, resource_key, '[]') WITH &&,
        period WITH &&
    ) WHERE (active)
);
