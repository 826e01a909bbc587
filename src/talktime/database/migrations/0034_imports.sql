/*
    What another system has kept before this one: opening balances, each with one entry, and conversations that are over.

    A row is there once for each id of the other system, in the transaction of what it does, so that an import can be run
    again, or twice at once. Past sessions are no records: nothing bills them, and no rule looks at them, except that the
    free time in them is used up for their pair. The version before this one does not know that: import when all nodes
    have this version.
*/
create table imported_balances (
    balance_id text collate "C" primary key,
    user_id text collate "C" not null references accounts,
    kind text not null check (kind in ('purchase', 'gift')),
    amount bigint not null check (amount >= 0),
    expires_at timestamptz check (expires_at is null or kind = 'gift'),
    as_of timestamptz not null,
    imported_at timestamptz not null default engine_now()
);
create index imported_balances_user on imported_balances (user_id);
comment on table imported_balances is 'Credit that came from another system: added only, never changed or removed.';

create table past_sessions (
    session_id text collate "C" primary key,
    user_id text collate "C" not null references accounts,
    advisor_id text collate "C" not null references advisors,
    chat_id text collate "C",
    started_at timestamptz not null,
    ended_at timestamptz not null,
    duration_ms bigint not null check (duration_ms >= 0),
    free_ms bigint not null check (free_ms between 0 and duration_ms),
    cost bigint not null check (cost >= 0),
    as_of timestamptz not null,
    imported_at timestamptz not null default engine_now(),
    check (ended_at >= started_at)
);
create index past_sessions_user on past_sessions (user_id, advisor_id, started_at);
create index past_sessions_advisor on past_sessions (advisor_id, started_at);
comment on table past_sessions is 'Conversations of another system: added only, never changed, removed or billed.';
comment on column past_sessions.free_ms is 'The free time in it, which counts as used by the pair.';

create trigger imported_balances_append_only before update or delete or truncate on imported_balances execute function refuse_change();
create trigger past_sessions_append_only before update or delete or truncate on past_sessions execute function refuse_change();
alter table imported_balances enable always trigger imported_balances_append_only;
alter table past_sessions enable always trigger past_sessions_append_only;
