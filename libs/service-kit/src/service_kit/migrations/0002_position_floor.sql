-- Positions up to here are never given again: events that a restored backup does not know stood
-- there, and whoever heard those would pass over new ones. Raised by `rendezvous streams repair`.
CREATE TABLE position_floor (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    floor bigint NOT NULL
);
