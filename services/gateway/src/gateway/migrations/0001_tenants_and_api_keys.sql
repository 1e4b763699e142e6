-- Tenants that this gateway serves: a tenant that is not here is 404 for everybody.
CREATE TABLE tenants (
    slug       text        PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- API keys, hashed. A key has 190 random bits after its id, so SHA-256 needs no salt and no cost.
CREATE TABLE api_keys (
    id              text        PRIMARY KEY, -- the key's first characters; they open nothing
    hash            bytea       NOT NULL CHECK (octet_length(hash) = 32),
    tenant          text        NOT NULL REFERENCES tenants (slug),
    name            text        NOT NULL,
    scopes          text[]      NOT NULL,
    idempotency_key text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    UNIQUE (tenant, idempotency_key)
);

CREATE INDEX api_keys_by_tenant ON api_keys (tenant, created_at);
