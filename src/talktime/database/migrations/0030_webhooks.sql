/*
    Webhooks: addresses of hosts to which events are sent (`talktime.node.webhooks`).

    A delivery is one event on its way to one webhook. The deliveries of one record (`stream`) go one after the other: only
    the first that is pending has a `next_at`.
*/

create table webhooks (
    webhook_id text collate "C" primary key,
    url text not null,
    types text[],
    secret text not null,
    old_secret text,
    old_secret_until timestamptz,
    is_enabled boolean not null default true,
    disabled_reason text,
    failing_since timestamptz,
    planned_through bigint not null,
    created_at timestamptz not null default engine_now(),
    check ((old_secret is null) = (old_secret_until is null))
);
comment on table webhooks is 'Addresses to which events are sent. The secrets sign, so they can''t be stored as hashes.';
comment on column webhooks.types is 'The types of events that are sent; null for all.';
comment on column webhooks.planned_through is 'Up to which event the deliveries are made.';
comment on column webhooks.failing_since is 'Since when every attempt has failed; null if the last one succeeded.';

create table webhook_deliveries (
    webhook_id text collate "C" not null references webhooks on delete cascade,
    event_id bigint not null references events on delete cascade,
    stream text collate "C" not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
    attempts int not null default 0,
    next_at timestamptz,
    claimed_until timestamptz,
    tried_at timestamptz,
    status int,
    error text,
    primary key (webhook_id, event_id)
);
comment on column webhook_deliveries.stream is 'The record of the event, or its user: what has to arrive in order.';
comment on column webhook_deliveries.next_at is 'When the next attempt is due; null while an earlier event of the stream is pending.';
comment on column webhook_deliveries.claimed_until is 'Until when a server process is trying.';
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at) where state = 'pending' and next_at is not null;
create index webhook_deliveries_stream on webhook_deliveries (webhook_id, stream, event_id) where state = 'pending';
create index webhook_deliveries_event on webhook_deliveries (event_id);
