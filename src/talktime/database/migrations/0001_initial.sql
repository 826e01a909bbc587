/*
    The map.

    A *user* has one *account* of credits (accounts), an *advisor* a *tariff* (advisors; tariffs: one immutable row a
    version). A *chat* is one thread between the two. Their paid session is a *record*: at most one active for a pair,
    pointing at its current chat. Its running time is the sum of its *segments*; a segment without an end is a running
    timer. Every credit that comes or goes is an *entry*.

        advisors ── tariffs                      nodes        server processes, renewed while they live
           │                                       │
        accounts ─┬─ entries                    watches       which chats their sockets watch, and as whom
                  ├─ chats ─── messages
                  └─ records ─ segments          repeats      answers kept for idempotency keys

    Nothing ticks. A running meter writes nothing: its elapsed time, cost and the instant its credit ends are functions
    of these rows and the time asked about. `records.elapsed_ms`, `records.charged` and `chats.duration_ms` are as of
    `records.settled_at`; what a running record has come to since then follows from the clock.

    How to change anything: lock the account's row; then read `engine_now()`; then load, in a new statement; decide;
    save; commit. `accounts.due_at` is the earliest instant at which something must happen by itself. Everything a
    command touches carries its `user_id`.

    Instants are engine time in whole milliseconds, durations end in _ms, money is in micro-credits (a millionth).
*/

create extension if not exists btree_gist;

create table engine_clock (
    only_row boolean primary key default true check (only_row),
    offset_ms bigint not null default 0 check (offset_ms >= 0)
);
comment on table engine_clock is 'How far engine time is ahead of this server''s clock: moved by the test clock alone, never back.';
insert into engine_clock default values;

create function engine_now() returns timestamptz language sql volatile
return (
    select date_trunc('milliseconds', clock_timestamp()) + offset_ms * interval '1 millisecond' from engine_clock
);
comment on function engine_now is 'The one time that counts. No node''s and no client''s clock does.';

create table advisors (
    advisor_id text collate "C" primary key,
    display_name text not null,
    tariff_version int not null,
    created_at timestamptz not null default engine_now()
);

create table tariffs (
    advisor_id text collate "C" not null,
    version int not null check (version > 0),
    tariff jsonb not null,
    created_at timestamptz not null default engine_now(),
    primary key (advisor_id, version)
);
comment on table tariffs is 'Immutable versions: the price seen is the price paid.';

alter table advisors add foreign key (advisor_id, tariff_version) references tariffs (advisor_id, version);

create table accounts (
    user_id text collate "C" primary key,
    display_name text not null,
    balance bigint not null default 0 check (balance >= 0), -- rule 5
    settled_at timestamptz not null default engine_now(),
    due_at timestamptz,
    created_at timestamptz not null default engine_now()
);
comment on table accounts is 'A row is the lock for everything of its user.';
create index accounts_due on accounts (due_at) where due_at is not null;

create table chats (
    chat_id text collate "C" primary key,
    user_id text collate "C" not null references accounts,
    advisor_id text collate "C" not null references advisors,
    record_id text collate "C",
    duration_ms bigint not null default 0 check (duration_ms >= 0),
    sequence bigint not null default 0,
    message_count bigint not null default 0,
    created_at timestamptz not null
);
comment on column chats.record_id is 'The latest record that had this chat as its current one.';
create index chats_user on chats (user_id, created_at);
create index chats_advisor on chats (advisor_id, created_at);
create index chats_record on chats (record_id);

create table records (
    record_id text collate "C" primary key,
    user_id text collate "C" not null references accounts,
    advisor_id text collate "C" not null,
    chat_id text collate "C" not null references chats,
    tariff_version int not null,
    free_ms_before bigint not null check (free_ms_before >= 0),
    state text not null check (state in ('running', 'paused', 'ended')),
    reason text check (
        reason in ('stopped', 'paused', 'out_of_credit', 'user_away', 'advisor_away', 'abandoned', 'timer_failed', 'max_cost')
    ),
    started_at timestamptz not null,
    settled_at timestamptz not null,
    paused_at timestamptz,
    waiting_since timestamptz,
    ended_at timestamptz,
    elapsed_ms bigint not null default 0 check (elapsed_ms >= 0),
    charged bigint not null default 0 check (charged >= 0),
    user_lease_until timestamptz not null,
    advisor_lease_until timestamptz not null,
    cut_at timestamptz,
    foreign key (advisor_id, tariff_version) references tariffs (advisor_id, version),
    check ((state = 'running') = (reason is null)),
    check ((state = 'ended') = (ended_at is not null)),
    check (state <> 'paused' or waiting_since is not null),
    check (ended_at >= started_at)
);
comment on column records.free_ms_before is 'Free time that the pair had used in earlier records.';
comment on column records.paused_at is 'When the time stopped.';
comment on column records.waiting_since is 'From when the recharge or abandon time counts.';
create unique index records_one_active on records (user_id, advisor_id) where ended_at is null; -- rule 1
create index records_pair on records (user_id, advisor_id, started_at);
create index records_chat on records (chat_id);
create index records_state on records (state, started_at) where ended_at is null;
create index records_started on records (started_at);

create table segments (
    segment_id bigint generated always as identity primary key,
    record_id text collate "C" not null references records,
    user_id text collate "C" not null,
    chat_id text collate "C" not null references chats,
    started_at timestamptz not null,
    ended_at timestamptz,
    reason text check (
        reason in ('stopped', 'paused', 'out_of_credit', 'user_away', 'advisor_away', 'switched', 'max_cost')
    ),
    check (ended_at >= started_at),
    check ((ended_at is null) = (reason is null)),
    constraint segments_never_overlap -- rule 2
        exclude using gist (record_id with =, tstzrange(started_at, ended_at) with &&)
);
create unique index segments_one_open on segments (record_id) where ended_at is null; -- rule 2
create index segments_chat on segments (chat_id);

create table entries (
    entry_id bigint generated always as identity primary key,
    user_id text collate "C" not null references accounts,
    amount bigint not null check (amount <> 0),
    kind text not null check (kind in ('purchase', 'gift', 'refund', 'debit', 'charge')),
    at timestamptz not null,
    record_id text collate "C" references records,
    reference text,
    check ((amount < 0) = (kind in ('debit', 'charge'))),
    check (kind <> 'charge' or record_id is not null)
);
create index entries_user on entries (user_id, entry_id);
create index entries_record on entries (record_id) where record_id is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are facts: they are added, never changed or removed', tg_table_name;
end
$$;
create trigger entries_append_only before update or delete or truncate on entries execute function refuse_change();
create trigger tariffs_append_only before update or delete or truncate on tariffs execute function refuse_change();

create table nodes (
    node_id text collate "C" primary key,
    renewed_at timestamptz not null
);
comment on table nodes is 'One row per server process: all its sockets have proved presence at this instant or later.';

create table watches (
    node_id text collate "C" not null references nodes on delete cascade,
    chat_id text collate "C" not null references chats,
    party text not null check (party in ('user', 'advisor')),
    user_id text collate "C" not null,
    proved_at timestamptz,
    primary key (node_id, chat_id, party)
);
comment on column watches.proved_at is 'The last proof of a socket that has gone silent; null while it is as good as its node''s.';
create index watches_user on watches (user_id);
create index watches_chat on watches (chat_id);

create view missing_deadlines as
select a.user_id from accounts a join records r using (user_id)
where a.due_at is null and (
    r.state = 'paused'
    or r.state = 'running' and (
        select count(distinct w.party) from watches w where w.chat_id = r.chat_id and w.proved_at is null
    ) < 2
)
group by a.user_id;
comment on view missing_deadlines is
    'Rule 9: accounts that wait for something, or run without sockets of both parties, and have no instant for it.';

create table messages (
    message_id text collate "C" primary key,
    user_id text collate "C" not null,
    chat_id text collate "C" not null references chats,
    position bigint not null check (position > 0),
    sender text not null check (sender in ('user', 'advisor')),
    client_id text collate "C" not null,
    text text not null,
    at timestamptz not null,
    unique (chat_id, position),
    unique (chat_id, sender, client_id) -- rule 7
);

create table repeats (
    caller text collate "C" not null,
    method text not null,
    path text collate "C" not null,
    key text collate "C" not null,
    body_hash bytea not null,
    status int not null,
    document json not null, -- as it was sent, to the letter
    at timestamptz not null,
    primary key (caller, method, path, key) -- rule 7
);
