-- Every statement of the running program, by name. `queries.py` explains {rows}, shared columns and shared conditions.
-- Instants are milliseconds since 1970 in arguments and results (see connecting.py).

-- columns: record
-- What a record stores. `record_rows.py` turns these columns into a `Record` and back.
record_id text, user_id text, advisor_id text, chat_id text, tariff_version int, free_ms_before bigint, state text,
reason text, started_at timestamptz, settled_at timestamptz, paused_at timestamptz, paused_by text,
waiting_since timestamptz, paying_until timestamptz, ended_at timestamptz, elapsed_ms bigint, charged bigint, user_lease_until timestamptz,
advisor_lease_until timestamptz, user_left_at timestamptz, advisor_left_at timestamptz, cut_at timestamptz, share_ppm int, fee_per_minute bigint, fee_per_session bigint,
earned bigint, starts text, ring_until timestamptz, decline_reason text, grace_used_at timestamptz,
low_told_at timestamptz, metadata jsonb, seller text, currency text, ended_by text;

-- columns: entry
entry_id bigint, amount bigint, gift_amount bigint, kind text, at timestamptz, record_id text, reference text, reason text,
expires_at timestamptz;

-- columns: access_key
key_id text, name text, scope text, created_at timestamptz, used_at timestamptz, revoked_at timestamptz;
-- columns: event
event_id bigint, type text, occurred_at timestamptz, recorded_at timestamptz, user_id text, advisor_id text, chat_id text,
record_id text, data json, data_version int, request_id text;

-- columns: ledger
-- What an entry says of all three sides, and who asked for it.
entry_id bigint, at timestamptz, kind text, user_id text, advisor_id text, record_id text, amount bigint,
advisor_amount bigint, platform_amount bigint, fees bigint, gift_amount bigint, reference text, reason text,
borne_by text, refunded_ms bigint, expires_at timestamptz, by_role text, by_subject text,
metadata jsonb;

-- columns: webhook
webhook_id text, url text, types text[], is_enabled boolean, disabled_reason text, failing_since timestamptz,
old_secret_until timestamptz, created_at timestamptz;

-- columns: message
message_id text, chat_id text, position bigint, client_id text, sender text, text text, at timestamptz;

-- ---------------------------------------------------------------------------------------------------------------------
-- The transaction of commands and deadlines: lock; read the clock; load in new statements; decide in Python; save.

-- name: lock_accounts
select user_id from accounts where user_id = any($1::text[]) order by user_id for no key update;

-- name: lock_free_accounts
-- Accounts that another transaction has locked are skipped, so that one locked payer holds up no other payer. For the same
-- reason the rest of the transaction waits only briefly for another lock.
select user_id, set_config('lock_timeout', '500ms', true)
from accounts where user_id = any($1::text[]) order by user_id for no key update skip locked;

-- name: claim_due_accounts
-- The clock is a parameter, so that the index on due_at is used. Accounts that another transaction has locked are skipped.
select user_id, set_config('lock_timeout', '500ms', true)
from accounts where due_at <= $1::timestamptz order by due_at limit $2::int for no key update skip locked;

-- name: wait_for_locks
-- How long the transaction waits for each lock.
select set_config('lock_timeout', $1, true);

-- name: existing_accounts
select user_id from accounts where user_id = any($1::text[]);

-- name: due_accounts
select user_id from accounts where due_at <= $1 order by due_at limit $2;

-- name: engine_now
select engine_now();

-- name: load_accounts
-- Engine time first, then the outages: both functions read the tables as they are when they are called.
with clock as materialized (select engine_now() as now)
select user_id, display_name, metadata, balance, gifts, settled_at, due_at, sequence, now, outages_since(settled_at) as outages
from clock cross join accounts where user_id = any($1::text[]);

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

-- name: load_entry_totals
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
-- The latest ended record of each pair. It tells how much of the free allowance the pair has used, and when it used the grace.
-- For a pair without such a record: the free time that the pair has used in another system.
-- rows: user_id text, advisor_id text
select pair.user_id, pair.advisor_id, r.free_ms_before, r.elapsed_ms, r.tariff_version, r.started_at, r.grace_used_at,
       case when r.record_id is null then (
           select coalesce(sum(p.free_ms), 0)::bigint from past_sessions p
           where p.user_id = pair.user_id and p.advisor_id = pair.advisor_id
       ) end as free_ms_imported
from {rows} as pair ({row_names})
left join lateral (
    select * from records
    where user_id = pair.user_id and advisor_id = pair.advisor_id and ended_at is not null
    order by started_at desc, ended_at desc limit 1  -- ids of the same millisecond have no order
) r on true;

-- name: load_sockets
-- The ends of the leases that the sockets of each node prove.
select user_id, chat_id, party, node_id, is_renewed, postponed(proved_at + $2::bigint * interval '1 millisecond', proved_at) as until
from (
    select w.user_id, w.chat_id, w.party, node_id, w.proved_at is null as is_renewed, coalesce(w.proved_at, n.renewed_at) as proved_at
    from watches w join nodes n using (node_id)
    where w.user_id = any($1::text[])
) proofs;

-- name: load_chats
select chat_id, user_id, advisor_id, record_id, duration_ms, metadata from chats where chat_id = any($1::text[]);

-- name: load_chat_counts
select record_id, count(*)::int as chats from chats where record_id = any($1::text[]) group by record_id;

-- name: load_advisors
select advisor_id, display_name, metadata, tariff_version, share_ppm, fee_per_minute, fee_per_session, starts, ring_ms, max_active
from advisors where advisor_id = any($1::text[]);

-- name: lock_limited_advisors
-- After the payers' locks, so that two transactions never wait for each other. Only advisors with a maximum are locked.
select advisor_id from advisors where advisor_id = any($1::text[]) and max_active is not null
order by advisor_id for no key update;

-- name: load_places
-- The active records of advisors, and when each record ends if nobody acts; null if the record runs.
select advisor_id, record_id, user_id,
       coalesce(ring_until, case reason
           when 'out_of_credit' then greatest(waiting_since + $2::bigint * interval '1 millisecond', paying_until)
           else waiting_since + $3::bigint * interval '1 millisecond' end) as ends_at
from records where advisor_id = any($1::text[]) and state <> 'ended';

-- name: load_tariffs
-- rows: advisor_id text, version int
select t.advisor_id, t.version, t.tariff
from {rows} as wanted ({row_names})
join tariffs t on t.advisor_id = wanted.advisor_id and t.version = wanted.version;

-- name: load_repeats
-- The caller `service` stands for all backends, whose rows have their names. Two backends whose requests were refused in
-- the same instant, without a payer to lock, may have a row each; an answer that did something comes last, and counts.
-- rows: caller text, method text, path text, key text
select r.caller, r.method, r.path, r.key, r.body_hash, r.arguments_hash, r.status, r.document
from {rows} as wanted ({row_names})
join repeats r using ({row_names})
union all (
    select r.caller, r.method, r.path, r.key, r.body_hash, r.arguments_hash, r.status, r.document
    from {rows} as wanted ({row_names})
    join repeats r on r.method = wanted.method and r.path = wanted.path and r.key = wanted.key
    where wanted.caller = 'service' and r.caller like 'service:%'
    order by r.status desc
);

-- name: insert_chats
-- The rows hold what happened to the chats in the same command.
-- rows: chat_id text, user_id text, advisor_id text, created_at timestamptz, record_id text, duration_ms bigint, metadata jsonb
insert into chats ({row_names})
select {row_names} from {rows} as made ({row_names})
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
-- rows: user_id text, amount bigint, kind text, at timestamptz, record_id text, reference text, advisor_id text, advisor_amount bigint, fees bigint, gift_amount bigint, expires_at timestamptz, reason text, borne_by text, refunded_ms bigint, by_role text, by_subject text, metadata jsonb
insert into entries ({row_names})
select {row_names} from {rows} with ordinality as posted ({row_names}, ordinal) order by ordinal
returning entry_id;

-- name: insert_events
-- rows: type text, occurred_at timestamptz, recorded_at timestamptz, user_id text, advisor_id text, chat_id text, record_id text, data json, data_version int, request_id text
insert into events ({row_names})
select {row_names} from {rows} with ordinality as told ({row_names}, ordinal) order by ordinal;

-- name: insert_acts
-- rows: at timestamptz, act text, by_role text, by_subject text, user_id text, record_id text, amount bigint
insert into acts ({row_names})
select {row_names} from {rows} with ordinality as done ({row_names}, ordinal) order by ordinal;

-- name: tell_broken_rules
-- rows: type text, user_id text, rule text, id text, data json, data_version int
insert into events (type, occurred_at, recorded_at, user_id, data, data_version)
select type, clock.now, clock.now, user_id, data, data_version
from {rows} as found ({row_names}) cross join (select engine_now() as now offset 0) clock
where not exists (
    select from events told
    where told.user_id = found.user_id and told.type = found.type and told.recorded_at > clock.now - interval '1 day'
      and told.data ->> 'rule' = found.rule and told.data ->> 'id' = found.id
);

-- name: last_event
-- The last id that was given out, also by transactions that are under way. `event_horizon.py` explains the two statements.
select case when is_called then last_value else 0 end from events_event_id_seq;

-- name: event_writers
-- The transactions that store events now. The lock is taken before the first id, and released after the commit is visible.
select distinct virtualtransaction as writer from pg_locks
where locktype = 'relation' and relation = 'events'::regclass and mode = 'RowExclusiveLock' and granted
  and database = (select oid from pg_database where datname = current_database());

-- name: events_deleted
select through from events_deleted;

-- name: events_of_all
select {event} from events
where event_id > $1 and event_id <= $2 and ($3::text[] is null or type = any($3))
  and ($5::text is null or user_id = $5) and ($6::text is null or advisor_id = $6) and ($7::text is null or chat_id = $7)
order by event_id limit $4;

-- name: events_of_user
select {event} from events
where user_id = $5 and event_id > $1 and event_id <= $2 and ($3::text[] is null or type = any($3))
  and ($6::text is null or advisor_id = $6) and ($7::text is null or chat_id = $7)
order by event_id limit $4;

-- name: events_of_advisor
select {event} from events
where advisor_id = $6 and event_id > $1 and event_id <= $2 and ($3::text[] is null or type = any($3))
  and ($5::text is null or user_id = $5) and ($7::text is null or chat_id = $7)
order by event_id limit $4;

-- name: events_of_record
select {event} from events
where record_id = $8 and event_id > $1 and event_id <= $2 and ($3::text[] is null or type = any($3))
  and ($5::text is null or user_id = $5) and ($6::text is null or advisor_id = $6) and ($7::text is null or chat_id = $7)
order by event_id limit $4;

-- name: save_chats
-- Adds the time that has passed, and notes the latest record. The array tells the planner that the chats are few: the
-- planner would read the whole table otherwise.
-- rows: chat_id text, accrued_ms bigint, record_id text
update chats c set
    duration_ms = c.duration_ms + changed.accrued_ms,
    record_id = coalesce(changed.record_id, c.record_id)
from {rows} as changed ({row_names})
where c.chat_id = any($1::text[]) and c.chat_id = changed.chat_id
returning c.chat_id, c.duration_ms, c.record_id;

-- name: save_accounts
-- rows: user_id text, balance bigint, settled_at timestamptz, due_at timestamptz, gifts jsonb, sequence bigint
update accounts a set
    balance = saved.balance, settled_at = saved.settled_at, due_at = saved.due_at, gifts = saved.gifts,
    sequence = saved.sequence
from {rows} as saved ({row_names})
where a.user_id = saved.user_id;

-- name: save_repeats
-- rows: caller text, method text, path text, key text, body_hash bytea, arguments_hash bytea, status int, document json, at timestamptz
insert into repeats ({row_names})
select {row_names} from {rows} as kept ({row_names});

-- name: save_refusal
-- This statement waits for another transaction that stores an answer under the same key.
insert into repeats (caller, method, path, key, body_hash, arguments_hash, status, document, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing returning true;

-- ---------------------------------------------------------------------------------------------------------------------
-- Access keys.

-- name: insert_access_key
insert into access_keys (key_id, name, secret_hash, scope, created_at) values ($1, $2, $3, $4, engine_now())
on conflict (name) where revoked_at is null do nothing
returning {access_key};

-- name: list_access_keys
select {access_key} from access_keys order by key_id;

-- name: revoke_access_key
-- By id or by name. An id comes before a name; of a name, the valid key, or else the key that was revoked last.
update access_keys set revoked_at = coalesce(revoked_at, engine_now())
where key_id = (
    select key_id from access_keys where key_id = $1 or name = $1
    order by key_id = $1 desc, revoked_at desc nulls first, key_id desc limit 1
)
returning {access_key};

-- name: access_key_by_secret
select {access_key} from access_keys where secret_hash = $1 and revoked_at is null;

-- name: access_key_by_id
select {access_key} from access_keys where key_id = $1 and revoked_at is null;

-- name: valid_access_keys
select key_id from access_keys where key_id = any($1::text[]) and revoked_at is null;

-- name: insert_link
-- Some links that have expired go at the same time, so their number stays small.
with expired as (
    delete from links where code_hash = any(array(
        select code_hash from links where expires_at < engine_now() order by expires_at limit 100 for update skip locked
    ))
)
insert into links (code_hash, role, subject, page, key_id, expires_at)
values ($1, $2, $3, $4, $5, engine_now() + $6::int * interval '1 second')
returning expires_at;

-- name: use_link
delete from links where code_hash = $1
returning role, subject, page, key_id, expires_at > engine_now() as is_valid;

-- name: save_key_uses
-- Two nodes lock the rows in the same order.
-- rows: key_id text, used_at timestamptz
with used as (
    select k.key_id, seen.used_at from {rows} as seen ({row_names}) join access_keys k using (key_id)
    order by k.key_id for no key update of k
)
update access_keys k set used_at = greatest(k.used_at, used.used_at) from used where k.key_id = used.key_id;

-- ---------------------------------------------------------------------------------------------------------------------
-- Old rows that are no facts. The instant is a parameter, so that the index on `at` is used. Two nodes share the work.

-- name: delete_old_repeats
with gone as (
    delete from repeats where ctid = any(array(
        select ctid from repeats where at < $1 order by at limit $2 for update skip locked
    )) returning 1
)
select count(*) from gone;

-- name: delete_old_events
-- Only the oldest events are looked at, and all up to one of them go, so `events_deleted` tells up to which event all are gone.
with oldest as (
    select event_id, recorded_at from events where event_id > (select through from events_deleted) order by event_id limit $2
), old as (
    select count(*) as count, max(event_id) as last from oldest where recorded_at < $1
), noted as (
    update events_deleted set through = greatest(through, old.last) from old where old.last is not null
), gone as (
    delete from events using old where event_id <= old.last
)
select count from old;

-- name: delete_old_messages
with gone as (
    delete from messages where ctid = any(array(
        select ctid from messages where at < $1 order by at limit $2 for update skip locked
    )) returning 1
)
select count(*) from gone;

-- ---------------------------------------------------------------------------------------------------------------------
-- Webhooks.

-- name: insert_webhook
insert into webhooks (webhook_id, url, types, secret, planned_through) values ($1, $2, $3, $4, $5) returning {webhook};

-- name: webhooks_enabled
select exists (select from webhooks where is_enabled);

-- name: webhooks
select {webhook} from webhooks order by created_at, webhook_id;

-- name: webhook
select {webhook} from webhooks where webhook_id = $1;

-- name: webhook_to_ping
select url, secret, case when old_secret_until > engine_now() then old_secret end as old_secret, engine_now() as now
from webhooks where webhook_id = $1;

-- name: change_webhook
-- A null changes nothing. $4 says whether `types` changes, because null is also a value of `types`. An old secret signs for $7 ms more.
update webhooks set
    url = coalesce($2, url),
    types = case when $4 then $3::text[] else types end,
    is_enabled = coalesce($5, is_enabled),
    disabled_reason = case when $5 then null when not $5 then 'by the host' else disabled_reason end,
    failing_since = case when $5 then null else failing_since end,
    old_secret = case when $6::text is null then old_secret else secret end,
    old_secret_until = case when $6 is null then old_secret_until else engine_now() + $7::bigint * interval '1 millisecond' end,
    secret = coalesce($6, secret)
where webhook_id = $1 returning {webhook};

-- name: delete_webhook
delete from webhooks where webhook_id = $1 returning webhook_id;

-- name: replay_webhook
-- The deliveries after the event are made again, in order.
update webhooks set planned_through = least(planned_through, $2) where webhook_id = $1 returning webhook_id;

-- name: plan_deliveries
-- Makes the deliveries of the next events up to the horizon $1, at most $2 events for each webhook. A delivery that is there
-- already is made again: somebody has asked for a replay. Answers whether a webhook has more.
with hooks as materialized (
    select webhook_id, types, planned_through, least($1::bigint, planned_through + $2::bigint) as upto
    from webhooks where is_enabled and planned_through < $1 for no key update skip locked
), wanted as materialized (
    select h.webhook_id, e.event_id, coalesce(e.record_id, e.user_id, '') as stream
    from hooks h join events e on e.event_id > h.planned_through and e.event_id <= h.upto
    where h.types is null or e.type = any(h.types)
), made as (
    insert into webhook_deliveries as d (webhook_id, event_id, stream, next_at)
    select webhook_id, event_id, stream,
           case when event_id = first_value(event_id) over (partition by webhook_id, stream order by event_id)
                     and not exists (
                         select from webhook_deliveries earlier
                         where earlier.webhook_id = wanted.webhook_id and earlier.stream = wanted.stream
                           and earlier.state = 'pending' and earlier.event_id < wanted.event_id
                     )
                then engine_now() end
    from wanted order by event_id
    on conflict (webhook_id, event_id) do update
    set state = 'pending', attempts = 0, next_at = excluded.next_at, claimed_until = null
), moved as (
    update webhooks w set planned_through = h.upto from hooks h where w.webhook_id = h.webhook_id
)
select coalesce(bool_or(upto < $1), false) as has_more from hooks;

-- name: due_webhooks
select webhook_id from webhooks w
where is_enabled and exists (
    select from webhook_deliveries d
    where d.webhook_id = w.webhook_id and d.state = 'pending' and d.next_at <= $1::timestamptz
      and (d.claimed_until is null or d.claimed_until <= $1::timestamptz)
);

-- name: claim_deliveries
-- A process that dies gives its claims back by their end, $4.
with due as materialized (
    select webhook_id, event_id from webhook_deliveries
    where webhook_id = $1 and state = 'pending' and next_at <= $3::timestamptz
      and (claimed_until is null or claimed_until <= $3::timestamptz)
    order by next_at limit $2 for update skip locked
), claimed as (
    update webhook_deliveries d set attempts = attempts + 1, claimed_until = $4::timestamptz
    from due where d.webhook_id = due.webhook_id and d.event_id = due.event_id returning d.event_id, d.attempts
)
select {event:e}, c.attempts, w.url, w.secret,
       case when w.old_secret_until > $3::timestamptz then w.old_secret end as old_secret
from claimed c join events e using (event_id) join webhooks w on w.webhook_id = $1;

-- name: lock_webhook
-- A process that makes deliveries and a process that ends one wait for each other, so that no delivery waits for one that has ended.
select failing_since from webhooks where webhook_id = $1 for no key update;

-- name: end_attempt
-- $3 is the new state, $4 when the next attempt is due.
update webhook_deliveries
set state = $3, next_at = $4, claimed_until = null, tried_at = engine_now(), status = $5, error = $6
where webhook_id = $1 and event_id = $2 and state = 'pending' returning stream;

-- name: let_next_delivery_go
update webhook_deliveries d set next_at = engine_now()
where webhook_id = $1 and state = 'pending' and next_at is null and event_id = (
    select min(event_id) from webhook_deliveries where webhook_id = $1 and stream = $2 and state = 'pending'
);

-- name: webhook_failing
update webhooks set failing_since = coalesce(failing_since, engine_now()) where webhook_id = $1;

-- name: webhook_works
-- The receiver is back, so whatever waits for another attempt goes at once.
with working as (update webhooks set failing_since = null where webhook_id = $1)
update webhook_deliveries set next_at = engine_now()
where webhook_id = $1 and state = 'pending' and next_at > engine_now();

-- name: webhook_gone
update webhooks set is_enabled = false, disabled_reason = 'the receiver answered 410' where webhook_id = $1;

-- name: deliveries
select d.event_id, e.type, d.state, d.attempts, d.next_at, d.tried_at, d.status, d.error
from webhook_deliveries d join events e using (event_id)
where d.webhook_id = $1 and ($2::text is null or d.state = $2) and d.event_id < $3
order by d.event_id desc limit $4;

-- ---------------------------------------------------------------------------------------------------------------------
-- People.

-- name: put_user
-- Metadata of null leaves the metadata as it is.
insert into accounts as a (user_id, display_name, metadata) values ($1, $2, $3)
on conflict (user_id) do update set
    display_name = excluded.display_name, metadata = coalesce(excluded.metadata, a.metadata)
returning xmax = 0 as created;

-- name: forget_account
update accounts set display_name = $2, metadata = null where user_id = $1 returning true;

-- name: forget_metadata
-- The metadata of a user's chats and records. Entries are facts and keep theirs.
with of_chats as (
    update chats set metadata = null where user_id = $1 and metadata is not null
)
update records set metadata = null where user_id = $1 and metadata is not null;

-- name: delete_messages_of_user
with gone as (
    delete from messages where ctid = any(array(
        select m.ctid from chats c join messages m using (chat_id) where c.user_id = $1 limit $2 for update of m
    )) returning 1
)
select count(*) from gone;

-- name: lock_advisor
select display_name, tariff_version, tariff, share_ppm, fee_per_minute, fee_per_session, starts, ring_ms, max_active, metadata
from advisors a
join tariffs t on t.advisor_id = a.advisor_id and t.version = a.tariff_version
where a.advisor_id = $1 for update of a;

-- name: insert_tariff
insert into tariffs (advisor_id, version, tariff) values ($1, $2, $3);

-- name: put_advisor
insert into advisors (advisor_id, display_name, tariff_version, share_ppm, fee_per_minute, fee_per_session, starts, ring_ms, max_active, metadata)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (advisor_id) do update set display_name = excluded.display_name, tariff_version = excluded.tariff_version,
    share_ppm = excluded.share_ppm, fee_per_minute = excluded.fee_per_minute, fee_per_session = excluded.fee_per_session,
    starts = excluded.starts, ring_ms = excluded.ring_ms, max_active = excluded.max_active,
    metadata = excluded.metadata;

-- name: lock_name
-- Two transactions that make a thing of the same name wait for each other.
select pg_advisory_xact_lock(hashtextextended($1, 0));

-- name: users
select user_id, display_name, balance from accounts where user_id > $1 order by user_id limit $2;

-- name: advisors
select advisor_id, display_name, tariff_version from advisors where advisor_id > $1 order by advisor_id limit $2;

-- name: find_users
-- The users whose ids begin with the text $1, in the order of the ids, and then those whose names begin with the text, in
-- the order of the names. Ids after $3, names after the name $4 of the user $5. An index finds the texts
-- between two others, but it can't find a pattern that is a parameter.
select user_id from (
    (select user_id, 1 as part, '' as name from accounts
     where user_id > $3 and user_id >= $1 and user_id < $1 || chr(1114111)
     order by user_id limit $2)
    union all
    (select user_id, 2, lower(display_name) collate "C" from accounts
     where lower(display_name) collate "C" >= lower($1) and lower(display_name) collate "C" < lower($1) || chr(1114111)
       and (lower(display_name) collate "C", user_id) > (lower($4), $5) and not starts_with(user_id, $1)
     order by lower(display_name) collate "C", user_id limit $2)
) found
order by part, name collate "C", user_id limit $2;

-- name: find_advisors
-- As `find_users`.
select advisor_id from (
    (select advisor_id, 1 as part, '' as name from advisors
     where advisor_id > $3 and advisor_id >= $1 and advisor_id < $1 || chr(1114111)
     order by advisor_id limit $2)
    union all
    (select advisor_id, 2, lower(display_name) collate "C" from advisors
     where lower(display_name) collate "C" >= lower($1) and lower(display_name) collate "C" < lower($1) || chr(1114111)
       and (lower(display_name) collate "C", advisor_id) > (lower($4), $5) and not starts_with(advisor_id, $1)
     order by lower(display_name) collate "C", advisor_id limit $2)
) found
order by part, name collate "C", advisor_id limit $2;

-- name: user_exists
select exists (select from accounts where user_id = $1);

-- name: advisor_exists
select exists (select from advisors where advisor_id = $1);

-- name: entries
select {entry} from entries
where user_id = $1 and entry_id < $2 and at >= $4 and at < $5 and kind <> 'share' order by entry_id desc limit $3;

-- ---------------------------------------------------------------------------------------------------------------------
-- Imports.

-- name: add_users
-- Users that do not exist yet.
-- rows: user_id text, display_name text
insert into accounts ({row_names}) select * from {rows} as added ({row_names}) order by 1 on conflict do nothing;

-- name: existing_advisors
select advisor_id from advisors where advisor_id = any($1::text[]);

-- name: imported_balances
-- Balances that were imported, and what their entries add up to.
select b.balance_id, b.user_id, b.kind, b.amount, b.expires_at,
       (select coalesce(sum(e.amount), 0)::bigint from entries e
        where e.reference collate "C" = 'import:balances:' || b.balance_id and e.user_id = b.user_id) as posted
from imported_balances b where b.balance_id = any($1::text[]);

-- name: add_imported_balances
-- rows: balance_id text, user_id text, kind text, amount bigint, expires_at timestamptz, as_of timestamptz
insert into imported_balances ({row_names}) select * from {rows} as added ({row_names}) order by 1;

-- name: imported_sessions
select session_id, user_id, advisor_id, chat_id, started_at, ended_at, duration_ms, free_ms, cost
from past_sessions where session_id = any($1::text[]);

-- name: pairs_with_records
-- rows: user_id text, advisor_id text
select user_id, advisor_id from {rows} as pair ({row_names})
where exists (select from records r where r.user_id = pair.user_id and r.advisor_id = pair.advisor_id);

-- name: add_past_sessions
-- rows: session_id text, user_id text, advisor_id text, chat_id text, started_at timestamptz, ended_at timestamptz, duration_ms bigint, free_ms bigint, cost bigint, as_of timestamptz
insert into past_sessions ({row_names}) select * from {rows} as added ({row_names}) order by 1;

-- name: past_sessions_of
-- Of a user $1 and an advisor $2; a null does not filter. The newest first, before the session $4, which started at $3.
-- `Database.search` plans the statement for its arguments.
select session_id, user_id, advisor_id, chat_id, started_at, ended_at, duration_ms, free_ms, cost
from past_sessions
where ($1::text is null or user_id = $1) and ($2::text is null or advisor_id = $2)
  and ($4::text is null or (started_at, session_id) < ($3::timestamptz, $4))
order by started_at desc, session_id desc limit $5;

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
select chat_id, started_at, ended_at, reason, ended_by from segments where record_id = $1::text order by started_at, segment_id;

-- name: record_entries
select {entry} from entries where record_id = $1 and kind <> 'share' order by entry_id;

-- name: advisor_name
select display_name from advisors where advisor_id = $1;

-- name: statement_payers
-- The payers whose records may have something to post in the period.
select distinct user_id from records where advisor_id = $1 and ended_at is null;

-- name: statement
select r.record_id, r.user_id, a.display_name as user_name, r.started_at, r.ended_at, coalesce(s.time_ms, 0) as time_ms,
       e.gross, e.fees, e.share, e.refunded, e.refunds, e.charged_later
from (
    select record_id from entries where advisor_id = $1 and at >= $2 and at < $3
    union
    select record_id from records where advisor_id = $1 and started_at < $3 and coalesce(ended_at, 'infinity') >= $2
) touched
join records r using (record_id)
join accounts a using (user_id)
cross join lateral (
    select sum(milliseconds(least(coalesce(s.ended_at, now.at), $3) - greatest(s.started_at, $2)))::bigint as time_ms
    from segments s cross join (select engine_now() as at offset 0) now
    where s.record_id = r.record_id and s.started_at < $3 and coalesce(s.ended_at, now.at) > $2
) s
cross join lateral (
    select coalesce(-sum(amount) filter (where kind = 'charge' and at < $3), 0)::bigint as gross,
           coalesce(sum(fees) filter (where at < $3), 0)::bigint as fees,
           coalesce(sum(advisor_amount) filter (where kind <> 'refund' and at < $3), 0)::bigint as share,
           coalesce(sum(amount) filter (where kind = 'refund' and at < $3), 0)::bigint as refunded,
           coalesce(-sum(advisor_amount) filter (where kind = 'refund' and at < $3), 0)::bigint as refunds,
           coalesce(-sum(amount) filter (where kind = 'charge' and at >= $3), 0)::bigint as charged_later,
           count(*) filter (where at < $3) as entries
    from entries e where e.record_id = r.record_id and e.at >= $2
) e
where e.entries > 0 or s.time_ms > 0
order by r.started_at, r.record_id limit $4;

-- name: earned_before
select coalesce(sum(advisor_amount), 0) from entries where advisor_id = $1 and at < $2;

-- name: shared_entries
-- All entries of a record with the advisor's and the platform's part; the entries of kind share too, which users do not see.
select entry_id, at, kind, amount, advisor_amount, platform_amount, fees, borne_by from entries
where record_id = $1 order by entry_id;

-- ---------------------------------------------------------------------------------------------------------------------
-- The past, as of an instant: entries up to and including the instant, segments cut off at the instant.

-- name: user_metadata
select metadata from accounts where user_id = $1;

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
       coalesce(sum(e.advisor_amount) filter (where e.kind <> 'refund'), 0) as share,
       coalesce(-sum(e.advisor_amount) filter (where e.kind = 'refund'), 0) as refunds
from advisors a left join entries e on e.advisor_id = a.advisor_id and e.at <= $2
where a.advisor_id = $1 group by a.display_name;

-- name: report
-- Every book: what it held before the period, and the amounts of the period by kind of entry. The sums of all accounts
-- may be more than a bigint holds, so they stay numeric. At most $3 books. Without $4, one book for each kind of book.
-- The books are those of the view `postings`. Its lines are summed for each side alone and before they get names: all
-- lines together would be sorted. `Database.search` plans the statement for its arguments.
select s.book, s.owner, coalesce(u.display_name, a.display_name, case when $4 then s.owner else 'all' end) as name,
       coalesce(sum(s.amount) filter (where not s.is_within), 0) as opening,
       coalesce(sum(s.amount) filter (where s.is_within and s.kind = 'purchase'), 0) as purchase,
       coalesce(sum(s.amount) filter (where s.is_within and s.kind = 'gift'), 0) as gift,
       coalesce(sum(s.amount) filter (where s.is_within and s.kind = 'refund'), 0) as refund,
       coalesce(sum(s.amount) filter (where s.is_within and s.kind = 'debit'), 0) as debit,
       coalesce(sum(s.amount) filter (where s.is_within and s.kind = 'charge'), 0) as charge,
       coalesce(sum(s.amount) filter (where s.is_within and s.kind = 'share'), 0) as share,
       coalesce(sum(s.amount) filter (where s.is_within and s.kind = 'expiry'), 0) as expiry
from (
    select 'user' as book, case when $4 then user_id else '' end as owner, kind, at >= $1 as is_within, sum(amount) as amount
    from entries where at < $2 and amount <> 0 group by 2, 3, 4
    union all
    select 'advisor', case when $4 then advisor_id else '' end as owner, kind, at >= $1 as is_within, sum(advisor_amount)
    from entries where at < $2 and advisor_amount <> 0 group by 2, 3, 4
    union all
    select case when kind in ('gift', 'expiry') then 'promotion' when record_id is null then 'outside' else 'revenue' end as book,
           case when $4 then 'platform' else '' end as owner, kind, at >= $1 as is_within, sum(platform_amount)
    from entries where at < $2 and platform_amount <> 0 group by 1, 2, 3, 4
) s
left join accounts u on $4::boolean and s.book = 'user' and u.user_id = s.owner
left join advisors a on $4 and s.book = 'advisor' and a.advisor_id = s.owner
group by 1, 2, 3
order by array_position(array['user', 'advisor', 'revenue', 'promotion', 'outside'], s.book), 2
limit $3;

-- name: ended_records
select record_id, user_id, advisor_id, started_at, elapsed_ms, free_ms_before, grace_used_at, charged from records
where started_at >= $1 and started_at < $2 and ended_at is not null and advisor_id = coalesce($3, advisor_id)
order by started_at, record_id;

-- name: names
select a.display_name as user_name, v.display_name as advisor_name
from accounts a, advisors v where a.user_id = $1 and v.advisor_id = $2;

-- part: wanted_records
-- The records of a user $1, of an advisor $2, in one of the states $3. A null does not filter.
($1::text is null or r.user_id = $1) and ($2::text is null or r.advisor_id = $2)
  and ($3::text[] is null or r.state = any($3));

-- part: stopped_at
-- When a record ended or paused; when it started, if it did neither.
coalesce(r.ended_at, r.paused_at, r.started_at);

-- name: find_records
-- The newest first: of a user $1, an advisor $2, in one of the states $3, that started from $4 until just before $5, with
-- the id $6, or of the chat, the user or the advisor with this id. A null does not filter. Before the record $8, which
-- started at $7. `Database.search` plans the statement for its arguments.
select r.record_id, r.user_id, r.chat_id, r.metadata, null::timestamptz as stopped_at from records r
where {wanted_records}
  and ($3::text[] is null or 'ended' = any($3) or r.state <> 'ended')  -- so that the index on active records fits
  and r.started_at >= $4 and r.started_at < $5
  and ($6::text is null or r.record_id = any(array(  -- by their indexes, whatever the planner expects of the id
      select record_id from records where record_id = $6
      union all
      select record_id from records where chat_id = $6
      union all
      (select f.record_id from records f
       where f.user_id = $6 and ($2::text is null or f.advisor_id = $2) and ($3::text[] is null or f.state = any($3))
         and f.started_at >= $4 and f.started_at < $5
         and ($8::text is null or (f.started_at, f.record_id) < ($7, $8))
       order by f.started_at desc, f.record_id desc limit $9)
      union all
      (select f.record_id from records f
       where f.advisor_id = $6 and ($1::text is null or f.user_id = $1) and ($3::text[] is null or f.state = any($3))
         and f.started_at >= $4 and f.started_at < $5
         and ($8::text is null or (f.started_at, f.record_id) < ($7, $8))
       order by f.started_at desc, f.record_id desc limit $9))))
  and ($8::text is null or (r.started_at, r.record_id) < ($7, $8))
order by r.started_at desc, r.record_id desc limit $9;

-- name: record_started
select started_at from records where record_id = $1;

-- name: find_stopped_records
-- As `find_records`, but the records whose time last stopped for the reason $10 from $4 until just before $5, the latest
-- stop first. A stop is the end of a segment, or when the record paused or ended. Almost every record of a reason has
-- both, at the same instant, so each half finds its rows by itself, and only the rare earlier one is left out.
with named as (
    select record_id from records where record_id = $6
    union all
    select record_id from records where chat_id = $6
    union all
    select record_id from records where user_id = $6 and started_at < $5
    union all
    select record_id from records where advisor_id = $6 and started_at < $5)
(select r.record_id, r.user_id, r.chat_id, r.metadata, s.ended_at as stopped_at
 from segments s join records r using (record_id)
 where s.reason = $10::text and s.ended_at >= $4 and s.ended_at < $5
   and ($8::text is null or (s.ended_at, s.record_id) < ($7, $8))
   and {wanted_records}
   and ($6::text is null or r.record_id = any(array(select record_id from named)))
   and not exists (
       select from segments later
       where later.record_id = s.record_id and later.reason = s.reason and later.ended_at < $5
         and (later.ended_at, later.segment_id) > (s.ended_at, s.segment_id))
   and (r.reason is distinct from $10::text or {stopped_at} <= s.ended_at
        or {stopped_at} >= $5)
 order by s.ended_at desc, s.record_id desc limit $9)
union
(select r.record_id, r.user_id, r.chat_id, r.metadata, {stopped_at}
 from records r
 where r.reason = $10::text
   and {stopped_at} >= $4 and {stopped_at} < $5
   and ($8::text is null or ({stopped_at}, r.record_id) < ($7, $8))
   and {wanted_records}
   and ($6::text is null or r.record_id = any(array(select record_id from named)))
   and not exists (
       select from segments s
       where s.record_id = r.record_id and s.reason = $10::text and s.ended_at < $5
         and s.ended_at > {stopped_at})
 order by {stopped_at} desc, r.record_id desc limit $9)
order by stopped_at desc, record_id desc limit $9;

-- name: record_stopped
-- When the time of a record last stopped for a reason, as `find_stopped_records` finds it; null if it did not.
select greatest(
    (select max(ended_at) from segments s
     where s.record_id = r.record_id and s.reason = $2 and s.ended_at >= $3 and s.ended_at < $4),
    case when r.reason = $2 and coalesce(r.ended_at, r.paused_at, r.started_at) >= $3
          and coalesce(r.ended_at, r.paused_at, r.started_at) < $4
         then coalesce(r.ended_at, r.paused_at, r.started_at) end)
from records r where r.record_id = $1;

-- part: wanted_entries
-- The entries of a user $1, an advisor $2, a record $3, of the kinds $4, with the reference $5, or a reference that begins
-- with $6; posted at an instant from $7 until just before $8. A null does not filter.
($1::text is null or e.user_id = $1)
  and ($2::text is null or e.advisor_id = $2)
  and ($3::text is null or e.record_id = $3)
  and ($4::text[] is null or e.kind = any($4))
  and ($5::text is null or e.reference collate "C" = $5)
  and ($6::text is null or e.entry_id = any(array(  -- by the index, whatever the planner expects of the text
      select entry_id from entries f
      where f.reference collate "C" >= $6 and f.reference collate "C" < $6 || chr(1114111))))
  and e.at >= $7 and e.at < $8;

-- name: find_entries
-- The newest first, before the entry $10, which was posted at $9. `Database.search` plans the statement for its arguments.
select {ledger:e}, u.display_name as user_name, v.display_name as advisor_name, r.chat_id
from (
    select * from entries e
    where {wanted_entries}
      and ($10::bigint is null or (e.at, e.entry_id) < ($9, $10))
    order by e.at desc, e.entry_id desc limit $11
) e
join accounts u using (user_id) left join advisors v on v.advisor_id = e.advisor_id
left join records r on r.record_id = e.record_id
order by e.at desc, e.entry_id desc;

-- name: find_entries_in_order
-- The oldest first, after the entry $10, which was posted at $9.
select {ledger:e}, u.display_name as user_name, v.display_name as advisor_name, r.chat_id
from (
    select * from entries e
    where {wanted_entries}
      and ($10::bigint is null or (e.at, e.entry_id) > ($9, $10))
    order by e.at, e.entry_id limit $11
) e
join accounts u using (user_id) left join advisors v on v.advisor_id = e.advisor_id
left join records r on r.record_id = e.record_id
order by e.at, e.entry_id;

-- name: entry_posted
select at from entries where entry_id = $1;

-- name: records_of_user
select r.record_id, r.user_id, r.chat_id, a.display_name as user_name, v.display_name as advisor_name,
       (select coalesce(sum(amount), 0)::bigint from entries e where e.record_id = r.record_id and e.kind = 'refund') as refunded
from records r join accounts a using (user_id) join advisors v using (advisor_id)
where r.user_id = $1
  and ($3::text is null or (r.started_at, r.record_id) < (select started_at, record_id from records where record_id = $3))
order by r.started_at desc, r.record_id desc limit $2;

-- name: records_of_chat
-- The records that ran in the chat, or are in the chat.
select r.record_id, r.user_id, r.chat_id, a.display_name as user_name, v.display_name as advisor_name,
       (select coalesce(sum(amount), 0)::bigint from entries e where e.record_id = r.record_id and e.kind = 'refund') as refunded
from records r join accounts a using (user_id) join advisors v using (advisor_id)
where r.record_id in (
        select record_id from records where chat_id = $1 union select record_id from segments where chat_id = $1)
  and ($3::text is null or (r.started_at, r.record_id) < (select started_at, record_id from records where record_id = $3))
order by r.started_at desc, r.record_id desc limit $2;

-- name: pairs_of
-- Who talks in these records, and which parties have a live socket on the record's current chat, on any node.
select r.record_id, a.display_name as user_name, v.display_name as advisor_name, array(
    select distinct w.party from watches w join nodes n using (node_id)
    where w.chat_id = r.chat_id and w.proved_at is null
        and postponed(n.renewed_at + $2::bigint * interval '1 millisecond', n.renewed_at) > engine_now()
    order by w.party desc) as connected
from records r join accounts a using (user_id) join advisors v using (advisor_id)
where r.record_id = any($1::text[]);

-- name: chats_of
select c.chat_id, c.user_id, a.display_name as user_name, c.advisor_id, v.display_name as advisor_name, c.created_at, c.metadata,
       (select left(text, 200) from messages m where m.chat_id = c.chat_id order by position desc limit 1) as last_message,
       (select count(*) from chats e where e.user_id = c.user_id and e.advisor_id = c.advisor_id
            and (e.created_at, e.chat_id) <= (c.created_at, c.chat_id)) as number,
       (select count(*) from messages m where m.chat_id = c.chat_id
            and m.sender = case when $1::text is null then 'user' else 'advisor' end
            and m.position > coalesce(case when $1::text is null then c.advisor_read else c.user_read end, c.message_count)
       ) as unread
from chats c join accounts a using (user_id) join advisors v using (advisor_id)
where (c.user_id = $1 or c.advisor_id = $2)
  and ($4::text is null or (c.created_at, c.chat_id) < (select created_at, chat_id from chats where chat_id = $4))
order by c.created_at desc, c.chat_id desc limit $3;

-- name: messages
-- At most $3 messages. The page ends early, after at least one message, when its texts have $4 bytes together.
select {message}, (select message_count from chats where chat_id = $1) as message_count
from (
    select *, sum(octet_length(text)) over (order by position) - octet_length(text) as bytes_before
    from (select * from messages where chat_id = $1 and position > $2 order by position limit $3) page
) page
where bytes_before < $4
order by position;

-- name: messages_before
-- The last $3 messages before the position $2, in order. The page begins late, with at least one message, when its texts
-- have $4 bytes together.
select {message}, (select min(position) from messages where chat_id = $1) as first_position
from (
    select *, sum(octet_length(text)) over (order by position desc) - octet_length(text) as bytes_after
    from (select * from messages where chat_id = $1 and position < $2 order by position desc limit $3) page
) page
where bytes_after < $4
order by position;

-- name: read_messages
-- `party` has read the chat up to the position $3. What was read stays read.
update chats set
    user_read = case when $2 = 'user' then greatest(user_read, least($3::bigint, message_count)) else user_read end,
    advisor_read = case when $2 = 'advisor' then greatest(advisor_read, least($3::bigint, message_count)) else advisor_read end
where chat_id = $1 and coalesce(case when $2 = 'user' then user_read else advisor_read end, 0) < least($3::bigint, message_count);

-- name: messages_since
select {message} from messages where chat_id = any($1::text[]) and at >= $2 order by chat_id, position;

-- name: messages_at
-- rows: chat_id text, position bigint
select {message:m} from {rows} as wanted ({row_names}) join messages m using ({row_names}) order by m.chat_id, m.position;

-- name: message_by_client_id
select {message} from messages where chat_id = $1 and sender = $2 and client_id = $3;

-- name: has_note
-- Whether the user has written in the chats of a record since the record was there.
select exists (
    select from messages m join chats c using (chat_id)
    where c.record_id = $1 and m.sender = 'user' and m.at >= (select started_at from records where record_id = $1)
);

-- name: next_message_position
update chats set message_count = message_count + 1 where chat_id = $1 returning message_count, user_id;

-- name: insert_message
insert into messages (message_id, user_id, chat_id, position, sender, client_id, text, at)
values ($1, $2, $3, $4, $5, $6, $7, engine_now()) returning at;

-- ---------------------------------------------------------------------------------------------------------------------
-- Deadlines and the health check.

-- name: next_due
select min(due_at) from accounts where due_at is not null;

-- name: running_payers
-- The payers of running records that were not posted up to $3.
select distinct user_id from records where state = 'running' and user_id > $1 and settled_at < $3 order by user_id limit $2;

-- name: next_active_payers
-- The payers of the next active records, in the order of their ids. The health check looks at a few in each turn.
select user_id from records where ended_at is null and user_id > $1::text order by user_id limit $2::int;

-- name: unhealthy_payers
-- The payers of records whose timer is due to run, the accounts whose deadline is overdue, and those of the accounts $2
-- that lack a deadline. To look at all accounts in each turn would be work that grows with the running records.
-- Only paused records wait. A condition on the state would fit other indexes, which hold all active records.
select user_id from records where waiting_since is not null and reason in ('timer_failed', 'user_away', 'advisor_away')
    and (reason = 'timer_failed' or exists (
        select from watches w join nodes n using (node_id)
        where w.chat_id = records.chat_id and w.proved_at is null and n.renewed_at > records.waiting_since))
union
-- Lateral, so that the planner looks up each payer: with old statistics it reads every active record otherwise.
select looked_at.user_id from unnest($2::text[]) looked_at (user_id)
cross join lateral (select from missing_deadlines m where m.user_id = looked_at.user_id limit 1) missing
union
select a.user_id from accounts a where a.due_at < $1::timestamptz;

-- ---------------------------------------------------------------------------------------------------------------------
-- Presence.

-- name: register_node
insert into nodes (node_id, renewed_at, renews_clock, settings) values ($1, engine_now(), true, $2) returning renewed_at;

-- name: store_durations
-- For the views live_records and live_chats.
update engine_clock set lease_ms = $1, recharge_ms = $2, abandon_ms = $3
where (lease_ms, recharge_ms, abandon_ms) <> ($1, $2, $3);

-- name: stored_durations
-- How long leases and windows last, as the last node that started has stored. Nothing where no node runs.
select lease_ms, recharge_ms, abandon_ms from engine_clock where exists (select from nodes);

-- name: clock_sample
-- `host_ms` is the clock of the database's server as corrected so far, with decimals, without the test clock.
select extract(epoch from host_clock())::float8 * 1000 + held_ms as host_ms, offset_ms as advanced_ms, corrections,
       coalesce(milliseconds(unbounded_now() - renewed_at), 0) as since_renewal_ms, (select count(*) from outages) as outages
from engine_clock;

-- name: renew_clock
-- Nothing changes if somebody renewed engine time a moment ago, or if the clock has just stepped out of $1 to $2.
update engine_clock set renewed_at = unbounded_now(), outage_ms = $3
where extract(epoch from host_clock())::float8 * 1000 + held_ms between $1 and $2
    and (outage_ms <> $3 or renewed_at is null or unbounded_now() - renewed_at > interval '300 milliseconds')
    and unbounded_now() >= coalesce(renewed_at, '-infinity');

-- name: last_outage
-- Nothing where no record has ever begun: before the first node runs, commands renew engine time, each for a moment.
select started_at, ended_at from outages where exists (select from records) order by started_at desc limit 1;

-- name: correct_clock
-- Engine time stands still until real time has caught up. Nothing changes if somebody else corrected it first.
update engine_clock set renewed_at = case when renewed_at is null then null else engine_now() end,
    held_ms = held_ms + $1, corrections = corrections + 1
where corrections = $2 returning true;

-- name: any_node
select exists (select from nodes);

-- name: renew_node
-- A node that has lapsed never comes back to life: its process registers a new node, with all its sockets.
update nodes set renewed_at = greatest(renewed_at, engine_now() - $2::bigint * interval '1 millisecond'), late_workers = $4
where node_id = $1 and postponed(renewed_at + $3::bigint * interval '1 millisecond', renewed_at) > engine_now()
returning renewed_at;

-- name: note_proofs
-- The last proofs of seats that no longer answer, without the locks of their payers. A command stores what follows.
-- rows: chat_id text, party text, age_ms bigint
update watches w set proved_at = engine_now() - noted.age_ms * interval '1 millisecond'
from {rows} as noted ({row_names})
where w.node_id = $4 and w.chat_id = noted.chat_id and w.party = noted.party and w.proved_at is null;

-- name: lapsed_nodes
select node_id from nodes where postponed(renewed_at + $1::bigint * interval '1 millisecond', renewed_at) <= engine_now();

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
       greatest(postponed(r.user_lease_until, r.settled_at), user_socket.until) as user_until,
       greatest(postponed(r.advisor_lease_until, r.settled_at), advisor_socket.until) as advisor_until
from records r
left join lateral (
    select postponed(max(proved_at) + $2::bigint * interval '1 millisecond', max(proved_at)) as until
    from (select coalesce(w.proved_at, n.renewed_at) as proved_at from watches w join nodes n using (node_id)
          where w.chat_id = r.chat_id and w.party = 'user') proofs
) user_socket on true
left join lateral (
    select postponed(max(proved_at) + $2::bigint * interval '1 millisecond', max(proved_at)) as until
    from (select coalesce(w.proved_at, n.renewed_at) as proved_at from watches w join nodes n using (node_id)
          where w.chat_id = r.chat_id and w.party = 'advisor') proofs
) advisor_socket on true
where r.chat_id = any($1::text[]) and r.state = 'running';

-- ---------------------------------------------------------------------------------------------------------------------
-- The test clock.

-- name: lock_clock
select offset_ms from engine_clock for update;

-- name: set_clock
update engine_clock set offset_ms = greatest(offset_ms, $1) returning offset_ms;

-- name: present_through
-- A party with an open socket is present through a whole advance. Behind a transaction pooler ($3) the names of
-- connections say nothing: a pooler hands a connection from process to process.
with present as (
    update nodes set renewed_at = greatest(renewed_at, $1)
    where postponed(renewed_at + $2::bigint * interval '1 millisecond', renewed_at) > engine_now()
      -- A node that was killed a moment ago has not lapsed yet, but its process has no connection any more.
      and ($3 or exists (select from pg_stat_activity where application_name = 'talktime ' || split_part(node_id, '.', 1)))
    returning node_id
)
update watches set proved_at = greatest(proved_at, $1)
where proved_at is not null and node_id in (select node_id from present);

-- ---------------------------------------------------------------------------------------------------------------------
-- Notifications and figures.

-- name: notify
select pg_notify($1, unnest($2::text[]));

-- name: database_identity
-- Nodes of one database agree on it, and nodes of different databases do not.
select md5(concat_ws('/', (select system_identifier from pg_control_system()), oid))
from pg_database where datname = current_database();

-- name: chat_numbers
select a.sequence, c.message_count from chats c join accounts a using (user_id) where c.chat_id = $1;

-- name: changed_accounts
-- rows: user_id text, sequence bigint
select a.user_id, a.sequence from {rows} as seen ({row_names}) join accounts a using (user_id)
where a.sequence <> seen.sequence;

-- name: changed_chats
-- rows: chat_id text, message_count bigint
select c.chat_id, c.message_count from {rows} as seen ({row_names}) join chats c using (chat_id)
where c.message_count <> seen.message_count;

-- name: counts
select
    (select count(*) from records where state = 'requested') as requested,
    (select count(*) from records where state = 'running') as running,
    (select count(*) from records where state = 'paused') as paused,
    (select count(*) from nodes where postponed(renewed_at + $1::bigint * interval '1 millisecond', renewed_at) > engine_now()) as nodes,
    (select greatest(0, extract(epoch from engine_now() - min(due_at))) from accounts where due_at is not null)::float8
        as deadline_lag_seconds,
    (select count(*) from accounts where due_at < (select engine_now() - interval '1 second')) as overdue_deadlines,
    waits.connections as lock_waits, waits.longest_seconds as lock_wait_seconds
from (
    select count(*) as connections,
           coalesce(max(extract(epoch from clock_timestamp() - l.waitstart)), 0)::float8 as longest_seconds
    from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()
) waits;

-- name: node_troubles
-- The workers that fail for long, each with the number of nodes at which it does; and the nodes that no longer renew
-- their row, without a worker.
select worker, count(*) as nodes
from (
    select node_id, late_workers, postponed(renewed_at + $1::bigint * interval '1 millisecond', renewed_at) > engine_now() as lives
    from nodes
) n left join lateral unnest(late_workers) late (worker) on lives
where worker is not null or not lives
group by worker order by worker nulls first;

-- name: different_settings
-- Of the nodes that run: the settings that are not the same at all of them, each value with the number of its nodes.
with shared as (
    select setting, value, count(*) as nodes
    from nodes n, jsonb_each_text(n.settings) each (setting, value)
    where postponed(n.renewed_at + $1::bigint * interval '1 millisecond', n.renewed_at) > engine_now()
    group by setting, value
)
select setting, value, nodes
from shared where setting in (select setting from shared group by setting having count(*) > 1)
order by setting, nodes desc, value;

-- name: commits_before_the_disk
-- Whether a commit is acknowledged before it is on the disk.
select current_setting('synchronous_commit') = 'off';

-- name: lately
-- How engine time was corrected, and the outages of the last day.
select c.corrections as clock_corrections, c.held_ms::float8 / 1000 as clock_held_seconds, o.*
from engine_clock c cross join lateral (
    select count(*) as outages,
           coalesce(sum(extract(epoch from ended_at - greatest(started_at, day.began))), 0)::float8 as outage_seconds
    from (select engine_now() - interval '1 day' as began offset 0) day join outages on ended_at > day.began
) o;

-- ---------------------------------------------------------------------------------------------------------------------
-- The schema: what protects the facts, and what they are stored in.

-- name: schema_objects
select 'extension btree_gist' as object, 'create extension btree_gist' as definition from pg_extension where extname = 'btree_gist'
union all
select 'column ' || c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = 'talktime'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
union all
select 'constraint ' || c.relname || '.' || k.conname, pg_get_constraintdef(k.oid) || case when k.convalidated then '' else ' (not checked)' end
from pg_constraint k join pg_class c on c.oid = k.conrelid
where k.connamespace = 'talktime'::regnamespace and k.contype in ('c', 'f', 'p', 'u', 'x')
union all
select 'index ' || c.relname, pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (not valid)' end
from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'talktime'::regnamespace and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
union all
select 'trigger ' || c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid) || case t.tgenabled when 'D' then ' (turned off)' when 'A' then ' (always)' else '' end
from pg_trigger t join pg_class c on c.oid = t.tgrelid
where c.relnamespace = 'talktime'::regnamespace and not t.tgisinternal
union all
select 'function ' || p.proname, pg_get_function_identity_arguments(p.oid) || ' returns ' || pg_get_function_result(p.oid)
from pg_proc p where p.pronamespace = 'talktime'::regnamespace
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
union all
select 'view ' || c.relname, '' from pg_class c where c.relnamespace = 'talktime'::regnamespace and c.relkind = 'v';

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
select record_id, user_id, advisor_id, tariff_version, free_ms_before, grace_used_at, elapsed_ms, charged, earned,
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
