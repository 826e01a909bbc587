/*
    Access keys: named credentials of backends. The version before this one knows none, and refuses them.

    The secret of a key is 256 random bits, so nobody can guess the secret from its hash, and a slow hash would gain
    nothing. The hash is what a key is found by.
*/
create table access_keys (
    key_id text collate "C" primary key,
    name text collate "C" not null,
    secret_hash bytea not null unique,
    scope text not null,
    created_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz
);
create unique index access_keys_name on access_keys (name) where revoked_at is null;
comment on table access_keys is 'Named credentials of backends. A revoked key stays, so that its name says who did what.';
comment on column access_keys.secret_hash is 'The SHA-256 of the secret, which is stored nowhere.';
comment on column access_keys.used_at is 'The last use; each node writes this once a minute at most.';
