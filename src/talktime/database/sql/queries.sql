-- Every statement of the running program, by name. `queries.py` explains {rows} and shared columns.
-- Instants cross as milliseconds since 1970 (see pool.py).

-- columns: record
-- What a record stores. `record_rows.py` turns these columns into a `Record` and back.
record_id text, user_id text, advisor_id text, chat_id text, tariff_version int, free_ms_before bigint, state text,
reason text, started_at timestamptz, settled_at timestamptz, paused_at timestamptz, paused_by text,
waiting_since timestamptz, ended_at timestamptz, elapsed_ms bigint, charged bigint, user_lease_until timestamptz,
advisor_lease_until timestamptz, cut_at timestamptz, share_ppm int, fee_per_minute bigint, fee_per_session bigint,
earned bigint;

-- columns: entry
entry_id bigint, amount bigint, gift_amount bigint, kind text, at timestamptz, record_id text, reference text, reason text,
expires_at timestamptz;

-- columns: message
message_id text, chat_id text, position bigint, client_id text, sender text, text text, at timestamptz;

-- ---------------------------------------------------------------------------------------------------------------------
-- The transaction of commands and deadlines: lock; read the clock; load in new statements; decide in Python; save.

-- name: lock_accounts
select user_id from accounts where user_id = any($1::text[]) order by user_id for no key update;

-- name: claim_due_accounts
-- The clock is a parameter, so that the index on due_at is used. Accounts that another transaction has locked are skipped.
select user_id from accounts where due_at <= $1 order by due_at limit $2 for no key update skip locked;

-- name: due_accounts
select user_id from accounts where due_at <= $1 order by due_at limit $2;

-- name: engine_now
select engine_now();

-- name: load_accounts
select user_id, display_name, balance, gifts, settled_at, due_at, (select engine_now()) as now from accounts where user_id = any($1::text[]);

-- name: load_active_records
select {record:r}, s.segment_id, s.started_at as running_since
from records r
-- Lateral, so that the planner looks up each segment: it expects more rows otherwise, and reads the whole table.
left join lateral (
    select segment_id, started_at from segments where record_id = r.record_id and ended_at is null limit 1
) s on true
where r.user_id = any($1::text[]) and r.ended_at is null;

-- name: load_chat_records
-- The latest record of each chat, if that record has ended.
select {record:r}, null::timestamptz as running_since
from chats c join records r on r.record_id = c.record_id
where c.chat_id = any($1::text[]) and r.ended_at is not null;

-- name: load_ended_records
select {record:r}, null::timestamptz as running_since
from records r where r.record_id = any($1::text[]) and r.ended_at is not null;

-- name: load_tallies
select user_id, record_id,
       coalesce(-sum(amount) filter (where kind = 'charge'), 0)::bigint as charged,
       coalesce(-sum(gift_amount) filter (where kind = 'charge'), 0)::bigint as gift,
       coalesce(sum(amount) filter (where kind = 'refund'), 0)::bigint as refunded,
       coalesce(sum(gift_amount) filter (where kind = 'refund'), 0)::bigint as refunded_gift,
       coalesce(sum(refunded_ms), 0)::bigint as refunded_ms,
       coalesce(sum(amount) filter (where borne_by = 'shared'), 0)::bigint as shared,
       coalesce(-sum(advisor_amount) filter (where borne_by = 'shared'), 0)::bigint as shared_by_advisor
from entries where record_id = any($1::text[]) group by user_id, record_id;

-- name: load_last_records
-- The latest ended record of each pair. It tells how much of the free allowance the pair has used.
-- rows: user_id text, advisor_id text
select r.user_id, r.advisor_id, r.free_ms_before, r.elapsed_ms, r.tariff_version
from {rows} as pair ({row_names}),
lateral (
    select * from records
    where user_id = pair.user_id and advisor_id = pair.advisor_id and ended_at is not null
    order by started_at desc, ended_at desc limit 1  -- ids of the same millisecond have no order
) r;

-- name: load_sockets
select w.user_id, w.chat_id, w.party, w.proved_at is null as held, max(coalesce(w.proved_at, n.renewed_at)) as proved_at
from watches w join nodes n using (node_id)
where w.user_id = any($1::text[])
group by w.user_id, w.chat_id, w.party, w.proved_at is null;

-- name: load_chats
select chat_id, user_id, advisor_id, record_id, duration_ms, sequence from chats where chat_id = any($1::text[]);

-- name: load_advisors
select advisor_id, display_name, tariff_version, share_ppm, fee_per_minute, fee_per_session from advisors where advisor_id = any($1::text[]);

-- name: load_tariffs
-- rows: advisor_id text, version int
select t.advisor_id, t.version, t.tariff
from {rows} as wanted ({row_names})
join tariffs t on t.advisor_id = wanted.advisor_id and t.version = wanted.version;

-- name: load_repeats
-- rows: caller text, method text, path text, key text
select r.caller, r.method, r.path, r.key, r.body_hash, r.status, r.document
from {rows} as wanted ({row_names})
join repeats r using ({row_names});

-- name: insert_chats
-- The rows hold what happened to the chats in the same command, so the first change that screens learn is number 1.
-- rows: chat_id text, user_id text, advisor_id text, created_at timestamptz, record_id text, duration_ms bigint
insert into chats ({row_names}, sequence)
select {row_names}, 1 from {rows} as made ({row_names})
on conflict (chat_id) do nothing returning chat_id;

-- name: close_segments
-- By `segment_id`: by `record_id` the planner may search the slower index of the exclusion constraint.
-- rows: segment_id bigint, at timestamptz, reason text, ended_by text
update segments s set ended_at = closed.at, reason = closed.reason, ended_by = closed.ended_by
from {rows} as closed ({row_names})
where s.segment_id = closed.segment_id;

-- name: save_records
-- rows: record
insert into records ({row_names})
select {row_names} from {rows} as saved ({row_names})
on conflict (record_id) do update set {record:set};

-- name: insert_segments
-- rows: record_id text, user_id text, chat_id text, started_at timestamptz, ended_at timestamptz, reason text, ended_by text
insert into segments ({row_names})
select {row_names} from {rows} with ordinality as opened ({row_names}, ordinal) order by ordinal;

-- name: insert_entries
-- rows: user_id text, amount bigint, kind text, at timestamptz, record_id text, reference text, advisor_id text, advisor_amount bigint, fees bigint, gift_amount bigint, expires_at timestamptz, reason text, borne_by text, refunded_ms bigint
insert into entries ({row_names})
select {row_names} from {rows} with ordinality as posted ({row_names}, ordinal) order by ordinal;

-- name: save_chats
-- Adds the time that has passed, notes the latest record, and numbers the change for every chat that shows the change.
-- New chats have their number. The array tells the planner that the chats are few: it would read the whole table otherwise.
-- rows: chat_id text, accrued_ms bigint, record_id text
with changed as (
    select * from {rows} as changed ({row_names})
), told as (
    select chat_id from chats where record_id = any($4::text[]) and chat_id <> all($6::text[]) union select unnest($5::text[])
), touched as (
    select chat_id from changed union select chat_id from told
)
update chats c set
    duration_ms = c.duration_ms + coalesce(changed.accrued_ms, 0),
    record_id = coalesce(changed.record_id, c.record_id),
    sequence = c.sequence + (told.chat_id is not null)::int
from touched left join changed using (chat_id) left join told using (chat_id)
where c.chat_id = any(array(select chat_id from touched)) and c.chat_id = touched.chat_id
returning c.chat_id, c.duration_ms, c.record_id, c.sequence, told.chat_id is not null as told;

-- name: save_accounts
-- rows: user_id text, balance bigint, settled_at timestamptz, due_at timestamptz, gifts jsonb
update accounts a set
    balance = saved.balance, settled_at = saved.settled_at, due_at = saved.due_at, gifts = saved.gifts
from {rows} as saved ({row_names})
where a.user_id = saved.user_id;

-- name: save_repeats
-- rows: caller text, method text, path text, key text, body_hash bytea, status int, document json, at timestamptz
insert into repeats ({row_names})
select {row_names} from {rows} as kept ({row_names});

-- name: save_refusal
-- This statement waits for another transaction that stores an answer under the same key.
insert into repeats (caller, method, path, key, body_hash, status, document, at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing returning true;

-- ---------------------------------------------------------------------------------------------------------------------
-- People.

-- name: put_user
insert into accounts as a (user_id, display_name) values ($1, $2)
on conflict (user_id) do update set display_name = excluded.display_name
returning xmax = 0 as created;

-- name: lock_advisor
select tariff_version, tariff, share_ppm, fee_per_minute, fee_per_session from advisors a
join tariffs t on t.advisor_id = a.advisor_id and t.version = a.tariff_version
where a.advisor_id = $1 for update of a;

-- name: insert_tariff
insert into tariffs (advisor_id, version, tariff) values ($1, $2, $3);

-- name: put_advisor
insert into advisors (advisor_id, display_name, tariff_version, share_ppm, fee_per_minute, fee_per_session)
values ($1, $2, $3, $4, $5, $6)
on conflict (advisor_id) do update set display_name = excluded.display_name, tariff_version = excluded.tariff_version,
    share_ppm = excluded.share_ppm, fee_per_minute = excluded.fee_per_minute, fee_per_session = excluded.fee_per_session;

-- name: lock_name
-- Two transactions that make a thing of the same name wait for each other.
select pg_advisory_xact_lock(hashtextextended($1, 0));

-- name: users
select user_id, display_name, balance from accounts where user_id > $1 order by user_id limit $2;

-- name: advisors
select advisor_id, display_name, tariff_version from advisors where advisor_id > $1 order by advisor_id limit $2;

-- name: user_exists
select exists (select from accounts where user_id = $1);

-- name: advisor_exists
select exists (select from advisors where advisor_id = $1);

-- name: entries
select {entry} from entries
where user_id = $1 and entry_id < $2 and kind <> 'share' order by entry_id desc limit $3;

-- ---------------------------------------------------------------------------------------------------------------------
-- Reading.

-- name: chat_parties
select user_id, advisor_id from chats where chat_id = $1;

-- name: record_parties
select record_id, user_id, advisor_id, chat_id from records where record_id = $1;

-- name: record_by_id
select {record:r}, s.started_at as running_since
from records r left join segments s on s.record_id = r.record_id and s.ended_at is null
where r.record_id = $1;

-- name: segments
select chat_id, started_at, ended_at, reason, ended_by from segments where record_id = $1 order by started_at, segment_id;

-- name: record_entries
select {entry} from entries where record_id = $1 and kind <> 'share' order by entry_id;

-- name: advisor_name
select display_name from advisors where advisor_id = $1;

-- name: statement_payers
-- The payers whose records may have something to post in the period.
select distinct user_id from records where advisor_id = $1 and ended_at is null;

-- name: statement
select r.record_id, r.user_id, a.display_name as user_name, r.started_at, r.ended_at, coalesce(s.time_ms, 0) as time_ms,
       e.gross, e.fees, e.share, e.refunded, e.refunds
from (
    select record_id from entries where advisor_id = $1 and at >= $2 and at < $3
    union
    select record_id from records where advisor_id = $1 and started_at < $3 and coalesce(ended_at, settled_at) >= $2
) touched
join records r using (record_id)
join accounts a using (user_id)
cross join lateral (
    select sum(milliseconds(least(coalesce(s.ended_at, r.settled_at), $3) - greatest(s.started_at, $2)))::bigint as time_ms
    from segments s
    where s.record_id = r.record_id and s.started_at < $3 and coalesce(s.ended_at, r.settled_at) > $2
) s
cross join lateral (
    select coalesce(-sum(amount) filter (where kind = 'charge'), 0)::bigint as gross,
           coalesce(sum(fees), 0)::bigint as fees,
           coalesce(sum(advisor_amount) filter (where kind <> 'refund'), 0)::bigint as share,
           coalesce(sum(amount) filter (where kind = 'refund'), 0)::bigint as refunded,
           coalesce(-sum(advisor_amount) filter (where kind = 'refund'), 0)::bigint as refunds,
           count(*) as entries
    from entries e where e.record_id = r.record_id and e.at >= $2 and e.at < $3
) e
where e.entries > 0 or s.time_ms > 0
order by r.started_at, r.record_id;

-- name: shared_entries
-- All entries of a record with the advisor's and the platform's part; the entries of kind share too, which users do not see.
select entry_id, at, kind, amount, advisor_amount, platform_amount, fees, borne_by from entries
where record_id = $1 order by entry_id;

-- ---------------------------------------------------------------------------------------------------------------------
-- The past, as of an instant: entries up to and including the instant, segments cut off at the instant.

-- name: user_name
select display_name from accounts where user_id = $1;

-- name: balance_as_of
select coalesce(sum(amount), 0)::bigint from entries where user_id = $1 and at <= $2;

-- name: gift_entries_as_of
select kind, gift_amount, at, expires_at from entries
where user_id = $1 and at <= $2 and gift_amount <> 0 order by entry_id;

-- name: running_as_of
-- The records that were running at the instant, how long they had run, and how much of that was charged.
select s.record_id, sum(milliseconds(least(s.ended_at, $2) - s.started_at))::bigint as elapsed_ms,
       (select coalesce(-sum(amount), 0) from entries e
        where e.record_id = s.record_id and e.kind = 'charge' and e.at <= $2)::bigint as charged
from segments s join records r using (record_id)
where r.user_id = $1 and s.started_at <= $2
group by s.record_id
having bool_or(s.ended_at is null or s.ended_at > $2);

-- name: earning_as_of
-- An advisor's records that were running at the instant, how long they had run, and how much of the share was posted.
select s.record_id, sum(milliseconds(least(s.ended_at, $2) - s.started_at))::bigint as elapsed_ms,
       (select coalesce(sum(advisor_amount), 0) from entries e
        where e.record_id = s.record_id and e.kind in ('charge', 'share') and e.at <= $2)::bigint as earned
from records r join segments s using (record_id)
where r.advisor_id = $1 and s.started_at <= $2 and coalesce(r.ended_at, 'infinity') >= $2
group by s.record_id
having bool_or(s.ended_at is null or s.ended_at > $2);

-- name: duration_as_of
select coalesce(sum(milliseconds(least(ended_at, $2) - started_at)), 0)::bigint from segments
where chat_id = $1 and started_at <= $2;

-- name: earnings_as_of
select a.display_name,
       coalesce(sum(e.advisor_amount) filter (where e.kind <> 'refund'), 0)::bigint as share,
       coalesce(-sum(e.advisor_amount) filter (where e.kind = 'refund'), 0)::bigint as refunds
from advisors a left join entries e on e.advisor_id = a.advisor_id and e.at <= $2
where a.advisor_id = $1 group by a.display_name;

-- name: report
-- Every book: what it held before the period, and the amounts of the period by kind of entry.
select p.book, p.owner, coalesce(u.display_name, a.display_name, p.owner) as name,
       coalesce(sum(p.amount) filter (where p.at < $1), 0)::bigint as opening,
       coalesce(sum(p.amount) filter (where p.at >= $1 and p.kind = 'purchase'), 0)::bigint as purchase,
       coalesce(sum(p.amount) filter (where p.at >= $1 and p.kind = 'gift'), 0)::bigint as gift,
       coalesce(sum(p.amount) filter (where p.at >= $1 and p.kind = 'refund'), 0)::bigint as refund,
       coalesce(sum(p.amount) filter (where p.at >= $1 and p.kind = 'debit'), 0)::bigint as debit,
       coalesce(sum(p.amount) filter (where p.at >= $1 and p.kind = 'charge'), 0)::bigint as charge,
       coalesce(sum(p.amount) filter (where p.at >= $1 and p.kind = 'share'), 0)::bigint as share,
       coalesce(sum(p.amount) filter (where p.at >= $1 and p.kind = 'expiry'), 0)::bigint as expiry
from postings p
left join accounts u on p.book = 'user' and u.user_id = p.owner
left join advisors a on p.book = 'advisor' and a.advisor_id = p.owner
where p.at < $2
group by p.book, p.owner, u.display_name, a.display_name
order by array_position(array['user', 'advisor', 'revenue', 'promotion', 'outside'], p.book), p.owner;

-- name: past_sessions
select record_id, user_id, advisor_id, started_at, elapsed_ms, free_ms_before, charged from records
where started_at >= $1 and started_at < $2 and ended_at is not null and advisor_id = coalesce($3, advisor_id)
order by started_at, record_id;

-- name: names
select a.display_name as user_name, v.display_name as advisor_name
from accounts a, advisors v where a.user_id = $1 and v.advisor_id = $2;

-- name: list_records
select record_id, user_id, chat_id from records
where case $1::text when 'active' then ended_at is null else state = $1 end
order by started_at desc limit $2;

-- name: list_all_records
select record_id, user_id, chat_id from records order by started_at desc limit $1;

-- name: pairs_of
-- Who talks in these records, and which parties have a live socket on the record's current chat, on any node.
select r.record_id, a.display_name as user_name, v.display_name as advisor_name, array(
    select distinct w.party from watches w join nodes n using (node_id)
    where w.chat_id = r.chat_id and w.proved_at is null
        and n.renewed_at + $2::bigint * interval '1 millisecond' > engine_now()
    order by w.party desc) as connected
from records r join accounts a using (user_id) join advisors v using (advisor_id)
where r.record_id = any($1::text[]);

-- name: chats_of
select c.chat_id, c.user_id, a.display_name as user_name, c.advisor_id, v.display_name as advisor_name, c.created_at,
       (select text from messages m where m.chat_id = c.chat_id order by position desc limit 1) as last_message,
       (select count(*) from chats e where e.user_id = c.user_id and e.advisor_id = c.advisor_id
            and (e.created_at, e.chat_id) <= (c.created_at, c.chat_id)) as number
from chats c join accounts a using (user_id) join advisors v using (advisor_id)
where c.user_id = $1 or c.advisor_id = $2
order by c.created_at desc limit $3;

-- name: messages
select {message} from messages where chat_id = $1 and position > $2 order by position limit $3;

-- name: messages_since
select {message} from messages where chat_id = any($1::text[]) and at >= $2 order by chat_id, position;

-- name: messages_at
-- rows: chat_id text, position bigint
select {message:m} from {rows} as wanted ({row_names}) join messages m using ({row_names}) order by m.chat_id, m.position;

-- name: message_by_client_id
select {message} from messages where chat_id = $1 and sender = $2 and client_id = $3;

-- name: next_message_position
update chats set message_count = message_count + 1 where chat_id = $1 returning message_count, user_id;

-- name: insert_message
insert into messages (message_id, user_id, chat_id, position, sender, client_id, text, at)
values ($1, $2, $3, $4, $5, $6, $7, engine_now()) returning at;

-- ---------------------------------------------------------------------------------------------------------------------
-- Deadlines, the checkpoint and the health check.

-- name: next_due
select min(due_at) from accounts where due_at is not null;

-- name: running_payers
select distinct user_id from records where state = 'running' and user_id > $1 order by user_id limit $2;

-- name: unhealthy_payers
-- The payers of records whose timer is due to run, and the accounts that lack a deadline or have an overdue one.
select user_id from records where state = 'paused' and reason in ('timer_failed', 'user_away', 'advisor_away')
    and (reason = 'timer_failed' or exists (
        select from watches w join nodes n using (node_id)
        where w.chat_id = records.chat_id and w.proved_at is null and n.renewed_at > records.waiting_since))
union
select user_id from missing_deadlines
union
select a.user_id from accounts a where a.due_at < $1;

-- ---------------------------------------------------------------------------------------------------------------------
-- Presence.

-- name: register_node
insert into nodes (node_id, renewed_at) values ($1, engine_now()) returning renewed_at;

-- name: clock_sample
select extract(epoch from clock_timestamp())::float8 * 1000 + offset_ms from engine_clock;

-- name: renew_node
-- A node that has lapsed never comes back to life: its process registers a new node, with all its sockets.
update nodes set renewed_at = greatest(renewed_at, engine_now() - $2::bigint * interval '1 millisecond')
where node_id = $1 and renewed_at + $3::bigint * interval '1 millisecond' > engine_now()
returning renewed_at;

-- name: lapsed_nodes
select node_id from nodes where renewed_at + $1::bigint * interval '1 millisecond' <= engine_now();

-- name: payers_of_node
select distinct user_id from watches where node_id = $1;

-- name: forget_node
delete from nodes where node_id = $1;

-- name: put_watches
-- rows: node_id text, chat_id text, party text, user_id text, proved_at timestamptz
insert into watches ({row_names})
select {row_names} from {rows} as watched ({row_names})
on conflict (node_id, chat_id, party) do update set proved_at = excluded.proved_at;

-- name: drop_watches
-- rows: node_id text, chat_id text, party text
delete from watches w using {rows} as gone ({row_names})
where w.node_id = gone.node_id and w.chat_id = gone.chat_id and w.party = gone.party;

-- name: leases
-- Until when the leases of the running records of these chats hold, as far as the database knows.
select r.chat_id,
       greatest(r.user_lease_until, (select max(coalesce(w.proved_at, n.renewed_at)) from watches w join nodes n using (node_id)
           where w.chat_id = r.chat_id and w.party = 'user') + $2::bigint * interval '1 millisecond') as user_until,
       greatest(r.advisor_lease_until, (select max(coalesce(w.proved_at, n.renewed_at)) from watches w join nodes n using (node_id)
           where w.chat_id = r.chat_id and w.party = 'advisor') + $2::bigint * interval '1 millisecond') as advisor_until
from records r where r.chat_id = any($1::text[]) and r.state = 'running';

-- ---------------------------------------------------------------------------------------------------------------------
-- The test clock.

-- name: lock_clock
select offset_ms from engine_clock for update;

-- name: set_clock
update engine_clock set offset_ms = greatest(offset_ms, $1) returning offset_ms;

-- name: present_through
-- A party with an open socket is present through a whole advance.
with present as (
    update nodes set renewed_at = greatest(renewed_at, $1)
    where renewed_at + $2::bigint * interval '1 millisecond' > engine_now()
      -- A node that was killed a moment ago has not lapsed yet, but its process does not listen any more.
      and exists (select from pg_stat_activity where application_name = 'talktime ' || split_part(node_id, '.', 1))
    returning node_id
)
update watches set proved_at = greatest(proved_at, $1)
where proved_at is not null and node_id in (select node_id from present);

-- ---------------------------------------------------------------------------------------------------------------------
-- Notifications and figures.

-- name: notify
select pg_notify('talktime', unnest($1::text[]));

-- name: counts
select
    (select count(*) from records where state = 'running') as running,
    (select count(*) from records where state = 'paused') as paused,
    (select count(*) from nodes where renewed_at + $1::bigint * interval '1 millisecond' > engine_now()) as nodes,
    (select greatest(0, extract(epoch from engine_now() - min(due_at))) from accounts where due_at is not null)::float8
        as deadline_lag_seconds;

-- ---------------------------------------------------------------------------------------------------------------------
-- The auditor, account by account: after $1, up to $2.

-- name: count_accounts
select count(*) from accounts;

-- name: next_accounts
select count(*), max(user_id collate "C") as last
from (select user_id from accounts where user_id > $1 order by user_id limit $2) as accounts;

-- name: count_entries
select count(*) from entries where user_id > $1 and user_id <= $2;

-- name: broken_rules
select 1 as rule, what, id, user_id, stored, follows from broken_rule_1 where user_id > $1 and user_id <= $2
union all
select 2, what, id, user_id, stored, follows from broken_rule_2 where user_id > $1 and user_id <= $2
union all
select 3, what, id, user_id, stored, follows from broken_rule_3 where user_id > $1 and user_id <= $2
union all
select 4, what, id, user_id, stored, follows from broken_rule_4 where user_id > $1 and user_id <= $2
union all
select 5, what, id, user_id, stored, follows from broken_rule_5 where user_id > $1 and user_id <= $2
union all
select 6, what, id, user_id, stored, follows from broken_rule_6 where user_id > $1 and user_id <= $2
union all
select 7, what, id, user_id, stored, follows from broken_rule_7 where user_id > $1 and user_id <= $2
union all
select 8, what, id, user_id, stored, follows from broken_rule_8 where user_id > $1 and user_id <= $2
union all
select 9, what, id, user_id, stored, follows from broken_rule_9 where user_id > $1 and user_id <= $2;

-- name: audited_records
select record_id, user_id, advisor_id, tariff_version, free_ms_before, elapsed_ms, charged, earned,
       share_ppm, fee_per_minute, fee_per_session
from records where user_id > $1 and user_id <= $2;

-- name: audited_charges
-- Numbers in arrays, because there are many. Instants are milliseconds since 1970.
select record_id, array_agg(at_ms order by at_ms) as at_ms, array_agg(amount order by at_ms) as amount
from (
    select record_id, (extract(epoch from at) * 1000)::bigint as at_ms, -sum(amount)::bigint as amount from entries
    where kind = 'charge' and user_id > $1 and user_id <= $2 group by record_id, at
) charges
group by record_id;

-- name: audited_fees
select record_id, sum(fees)::bigint as fees from entries
where fees <> 0 and record_id is not null and user_id > $1 and user_id <= $2 group by record_id;

-- name: audited_shared_refunds
-- All entries of the records that have a shared refund.
select record_id, min(user_id) as user_id, array_agg(kind order by entry_id) as kinds,
       array_agg(amount order by entry_id) as amounts, array_agg(advisor_amount order by entry_id) as advisor_amounts,
       array_agg(borne_by order by entry_id) as borne_by
from entries
where record_id in (select record_id from entries where borne_by = 'shared' and user_id > $1 and user_id <= $2)
group by record_id;

-- name: audited_gifts
-- For each account that ever had a gift: what is left of gifts as stored, and all entries that changed gifts.
select user_id, a.gifts as stored, e.kinds, e.amounts, e.instants, e.expiries
from accounts a join (
    select user_id, array_agg(kind order by entry_id) as kinds, array_agg(gift_amount order by entry_id) as amounts,
           array_agg(at order by entry_id) as instants, array_agg(expires_at order by entry_id) as expiries
    from entries where gift_amount <> 0 and user_id > $1 and user_id <= $2 group by user_id
) e using (user_id);

-- name: audited_segments
select record_id, array_agg(began_ms order by began_ms, segment_id) as began_ms,
       array_agg(ended_ms order by began_ms, segment_id) as ended_ms
from (
    select record_id, segment_id, (extract(epoch from s.started_at) * 1000)::bigint as began_ms,
           (extract(epoch from coalesce(s.ended_at, r.settled_at)) * 1000)::bigint as ended_ms
    from records r join segments s using (record_id)
    where r.user_id > $1 and r.user_id <= $2
) segments
group by record_id;

-- name: audited_payers
-- Users with a record that has no tariff are left out: such a record is a finding itself.
select distinct user_id from records a where ended_at is null and user_id > $1 and user_id <= $2
    and not exists (
        select from records r where r.user_id = a.user_id and not exists (
            select from tariffs t where t.advisor_id = r.advisor_id and t.version = r.tariff_version));

-- name: restore_durations
-- Segments and entries are facts; every total follows from them.
update chats c set duration_ms = s.duration_ms
from (
    select c.chat_id, coalesce(sum(milliseconds(coalesce(s.ended_at, r.settled_at) - s.started_at)), 0) as duration_ms
    from chats c left join segments s using (chat_id) left join records r on r.record_id = s.record_id
    where c.user_id = $1 group by c.chat_id
) s
where c.chat_id = s.chat_id and c.duration_ms <> s.duration_ms;

-- name: restore_records
update records r set
    elapsed_ms = (
        select coalesce(sum(milliseconds(coalesce(s.ended_at, r.settled_at) - s.started_at)), 0)
        from segments s where s.record_id = r.record_id),
    charged = (select coalesce(-sum(amount), 0) from entries e where e.record_id = r.record_id and e.kind = 'charge'),
    earned = (
        select coalesce(sum(advisor_amount), 0) from entries e
        where e.record_id = r.record_id and e.kind in ('charge', 'share'))
where r.user_id = $1;

-- name: gift_entries
select kind, gift_amount, at, expires_at from entries where user_id = $1 and gift_amount <> 0 order by entry_id;

-- name: restore_gifts
update accounts set gifts = $2 where user_id = $1 and gifts <> $2;

-- name: restore_balances
update accounts a set balance = e.balance
from (select coalesce(sum(amount), 0) as balance from entries where user_id = $1) e
where a.user_id = $1 and a.balance <> e.balance;
