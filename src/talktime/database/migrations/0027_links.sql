/*
    Links: addresses that sign a browser in, once. The version before this one makes none and has no page for them.

    A link is deleted when it is used, so that only one node can use it.
*/
create table links (
    code_hash bytea primary key,
    role text not null check (role in ('operator', 'user', 'advisor')),
    subject text collate "C" not null,
    page text,
    key_id text collate "C",
    expires_at timestamptz not null
);
create index links_expires_at on links (expires_at);
comment on table links is 'Addresses that sign a browser in. A row is deleted when the link is used, or some time after it has expired.';
comment on column links.code_hash is 'The SHA-256 of the 256 random bits that stand in the address.';
comment on column links.key_id is 'The access key that has made the link; null without a key. The link ends with the key.';
