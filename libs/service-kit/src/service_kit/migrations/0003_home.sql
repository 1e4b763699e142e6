-- Where the database knows itself to be. One that finds itself elsewhere was restored from a dump:
-- it neither says nor hears anything until `rendezvous streams repair` has looked at it.
-- `restored_head` is the newest position when that was noticed.
CREATE TABLE home (
    one           boolean PRIMARY KEY DEFAULT true CHECK (one),
    name          text NOT NULL,
    restored_head bigint
);
