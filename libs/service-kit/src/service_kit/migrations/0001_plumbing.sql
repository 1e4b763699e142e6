-- Events that this service says, in the transaction of what they tell. Kept for good: the
-- stream is refilled from here. `position` is commit order, stamped by the relay.
CREATE TABLE outbox (
    seq            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position       bigint UNIQUE,
    id             uuid NOT NULL UNIQUE,
    type           text NOT NULL,
    subject        text NOT NULL,
    tenant         text NOT NULL,
    entity_id      text NOT NULL,
    occurred_at    timestamptz NOT NULL,
    correlation_id text NOT NULL,
    causation_id   text,
    traceparent    text,
    body           bytea NOT NULL
);
CREATE INDEX outbox_unstamped ON outbox (seq) WHERE position IS NULL;

-- Where a stream stood when the relay last looked: tells retention from loss.
CREATE TABLE relay_marks (
    stream          text PRIMARY KEY,
    stream_created  text NOT NULL,
    stream_sequence bigint NOT NULL,
    position        bigint NOT NULL,
    ordinal         integer NOT NULL
);

-- Events already handled, in the transaction of their effects. Rows below the mark are dropped.
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    position bigint NOT NULL,
    ordinal  integer NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_by_position ON inbox (consumer, position);

-- Up to here, everything has been handled.
CREATE TABLE consumer_marks (
    consumer text PRIMARY KEY,
    position bigint NOT NULL,
    ordinal  integer NOT NULL
);

-- Messages that could not be handled after the last try, or not be read at all.
CREATE TABLE dead_letters (
    id            uuid PRIMARY KEY,
    consumer      text NOT NULL,
    subject       text NOT NULL,
    headers       jsonb NOT NULL,
    body          bytea NOT NULL,
    error         text NOT NULL,
    deliveries    integer NOT NULL,
    died_at       timestamptz NOT NULL,
    replay_wanted boolean NOT NULL DEFAULT false,
    UNIQUE (consumer, id)
);
CREATE INDEX dead_letters_to_replay ON dead_letters (consumer) WHERE replay_wanted;
