-- Whatever can be occupied and must not be double-booked. `key` stands for it in claims.
CREATE TABLE resources (
    key    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    kind   text NOT NULL CHECK (kind IN ('host')),
    id     uuid NOT NULL,
    UNIQUE (tenant, id)
);

CREATE TABLE hosts (
    tenant       text NOT NULL,
    id           uuid NOT NULL,
    resource_key bigint NOT NULL UNIQUE REFERENCES resources (key),
    name         text NOT NULL,
    email        text NOT NULL,
    time_zone    text NOT NULL,
    active       boolean NOT NULL,
    version      integer NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Weekly hours in the host's zone; minutes since midnight, `until_minute` excluded.
CREATE TABLE host_hours (
    tenant       text NOT NULL,
    host_id      uuid NOT NULL,
    weekday      smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    start_minute smallint NOT NULL CHECK (start_minute >= 0),
    until_minute smallint NOT NULL CHECK (until_minute BETWEEN start_minute + 1 AND 1440),
    PRIMARY KEY (tenant, host_id, weekday, start_minute),
    FOREIGN KEY (tenant, host_id) REFERENCES hosts (tenant, id)
);

CREATE TABLE appointment_types (
    tenant                      text NOT NULL,
    slug                        text NOT NULL,
    title                       text NOT NULL,
    description                 text NOT NULL,
    durations_minutes           integer[] NOT NULL,
    default_duration_minutes    integer NOT NULL,
    locations                   jsonb NOT NULL,
    price_minor                 bigint CHECK (price_minor >= 0),
    price_currency              text,
    approval                    boolean NOT NULL,
    buffer_before_minutes       integer NOT NULL CHECK (buffer_before_minutes >= 0),
    buffer_after_minutes        integer NOT NULL CHECK (buffer_after_minutes >= 0),
    notice_minutes              integer NOT NULL,
    window_days                 integer NOT NULL,
    slot_interval_minutes       integer CHECK (slot_interval_minutes > 0),
    cancellation_notice_minutes integer NOT NULL,
    reminders_minutes           integer[] NOT NULL,
    own_hours                   boolean NOT NULL,
    active                      boolean NOT NULL,
    version                     integer NOT NULL,
    updated_at                  timestamptz NOT NULL,
    PRIMARY KEY (tenant, slug),
    CHECK (default_duration_minutes = ANY (durations_minutes)),
    CHECK ((price_minor IS NULL) = (price_currency IS NULL))
);

CREATE TABLE appointment_type_hosts (
    tenant   text NOT NULL,
    slug     text NOT NULL,
    host_id  uuid NOT NULL,
    position smallint NOT NULL,
    PRIMARY KEY (tenant, slug, host_id),
    FOREIGN KEY (tenant, slug) REFERENCES appointment_types (tenant, slug),
    FOREIGN KEY (tenant, host_id) REFERENCES hosts (tenant, id)
);

-- Where `own_hours`: in each host's zone, in place of their weekly hours.
CREATE TABLE appointment_type_hours (
    tenant       text NOT NULL,
    slug         text NOT NULL,
    weekday      smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    start_minute smallint NOT NULL CHECK (start_minute >= 0),
    until_minute smallint NOT NULL CHECK (until_minute BETWEEN start_minute + 1 AND 1440),
    PRIMARY KEY (tenant, slug, weekday, start_minute),
    FOREIGN KEY (tenant, slug) REFERENCES appointment_types (tenant, slug)
);
