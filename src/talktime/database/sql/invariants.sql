/*
    The rules that must always hold. Each rule is a view, broken_rule_1 to broken_rule_9, and must be empty.

    A row is one breach: `what` is wrong, in words; the `id` of the row in question and its `user_id`; the `stored`
    value, and the value that `follows` from the facts. Facts are segments, entries, tariffs, and the start and end of a
    record. Totals follow from the facts: an account's balance, a chat's duration, a record's elapsed time and charge.
    The totals of a running record are as of `settled_at`.

    `talktime migrate` applies this file after every migration, and again whenever its text has changed. A rule is
    therefore changed here and nowhere else; the definitions in older migrations are history.

    - Only `create or replace view`: PostgreSQL then refuses to remove, rename or retype a column, which older programs
      on the same database still read. Grants on a rule, and other people's views that use one, stay as they are.
    - `user_id` is in every grouping and every window, so that `where user_id > $1 and user_id <= $2` reaches the
      tables. The auditor walks from account to account, and a look at a few accounts is cheap.
    - No view computes what a record must have cost: `talktime doctor` does, charge by charge, from the queries
      `audited_*` in queries.sql. The comment of a view says what else the view can't see, and which constraint or test
      enforces that instead.
*/

create or replace view broken_rule_1 as
select 'the pair has more than one active record' as what, record_id as id, user_id,
       active || ' active records' as stored, 'at most 1' as follows
from (
    select record_id, user_id, count(*) over (partition by user_id, advisor_id) as active
    from records where ended_at is null
) counted
where active > 1;
comment on view broken_rule_1 is
    'At most one active record per user and advisor. The unique index records_one_active enforces this, too.';

create or replace view broken_rule_2 as
select 'the record has more than one open segment' as what, record_id as id, user_id,
       open || ' open segments' as stored, 'at most 1' as follows
from (
    select r.record_id, r.user_id, count(*) over (partition by r.user_id, r.record_id) as open
    from records r join segments s using (record_id) where s.ended_at is null
) counted
where open > 1
union all
select 'a segment begins before the previous segment has ended', record_id, user_id,
       'begins ' || started_at, 'not before ' || coalesce(ended_before::text, 'the previous segment has an end')
from (
    select r.record_id, r.user_id, s.started_at,
           lag(s.ended_at, 1, '-infinity') over by_start as ended_before
    from records r join segments s using (record_id)
    window by_start as (partition by r.user_id, r.record_id order by s.started_at, s.segment_id)
) ordered
where ended_before is null or started_at < ended_before;
comment on view broken_rule_2 is
    'At most one open segment per record, and a record''s segments never overlap. The index segments_one_open and the'
    ' constraint segments_never_overlap enforce this, too.';

create or replace view broken_rule_3 as
select 'a chat''s duration is not the sum of its segments' as what, c.chat_id as id, c.user_id,
       c.duration_ms || ' ms' as stored,
       coalesce(sum(milliseconds(coalesce(s.ended_at, r.settled_at) - s.started_at)), 0) || ' ms' as follows
from chats c left join segments s using (chat_id) left join records r on r.record_id = s.record_id
group by c.user_id, c.chat_id, c.duration_ms
having c.duration_ms <> coalesce(sum(milliseconds(coalesce(s.ended_at, r.settled_at) - s.started_at)), 0)
union all
select 'only a running record''s current chat has an open segment', r.record_id, r.user_id,
       coalesce('chat ' || s.chat_id, 'none'), case r.state when 'running' then 'chat ' || r.chat_id else 'none' end
from records r left join segments s on s.record_id = r.record_id and s.ended_at is null
where (r.state = 'running') <> (s.segment_id is not null) or s.chat_id <> r.chat_id
union all
select 'a segment is in a chat of other people', r.record_id, r.user_id,
       coalesce(c.user_id || ' with ' || c.advisor_id, 'a chat that does not exist'), r.user_id || ' with ' || r.advisor_id
from records r join segments s using (record_id) left join chats c on c.chat_id = s.chat_id
where (c.user_id, c.advisor_id) is distinct from (r.user_id, r.advisor_id)
union all
select 'a segment belongs to a record that does not exist', c.chat_id, c.user_id, 'record ' || s.record_id, 'a record'
from chats c join segments s using (chat_id) left join records r on r.record_id = s.record_id
where r.record_id is null;
comment on view broken_rule_3 is
    'A chat''s duration is the sum of its segments over all its records; an open segment counts up to the instant at'
    ' which its record was last settled. Only the current chat of a running record has an open segment.';

create or replace view broken_rule_4 as
select 'a record''s charge is not the sum of its charge entries' as what, r.record_id as id, r.user_id,
       r.charged || ' millionths' as stored, -coalesce(sum(e.amount), 0) || ' millionths' as follows
from records r left join entries e on e.record_id = r.record_id and e.kind = 'charge'
group by r.user_id, r.record_id, r.charged
having r.charged <> -coalesce(sum(e.amount), 0)
union all
select 'an entry of a record is on another user''s account', r.record_id, r.user_id, e.user_id, r.user_id
from records r join entries e on e.record_id = r.record_id
where e.user_id <> r.user_id
union all
select 'a record''s time is not the sum of its segments', r.record_id, r.user_id, r.elapsed_ms || ' ms',
       coalesce(sum(milliseconds(coalesce(s.ended_at, r.settled_at) - s.started_at)), 0) || ' ms'
from records r left join segments s using (record_id)
group by r.user_id, r.record_id, r.elapsed_ms
having r.elapsed_ms <> coalesce(sum(milliseconds(coalesce(s.ended_at, r.settled_at) - s.started_at)), 0)
union all
select 'the free time used before a record is not what the pair''s earlier records used', record_id, user_id,
       free_ms_before || ' ms', used_before || ' ms'
from (
    select r.record_id, r.user_id, r.free_ms_before,
           lag(
               r.free_ms_before + least(r.elapsed_ms, greatest(0, t.free_ms - r.free_ms_before)), 1,
               -- Before the first record of a pair: free time that was used in another system.
               (select coalesce(sum(p.free_ms), 0)::bigint from past_sessions p
                where p.user_id = r.user_id and p.advisor_id = r.advisor_id)
           ) over (partition by r.user_id, r.advisor_id order by r.started_at, r.ended_at) as used_before
    from records r join (
        select advisor_id, version, (coalesce(tariff ->> 'free_seconds', '0')::numeric * 1000)::bigint as free_ms from tariffs
    ) t on t.advisor_id = r.advisor_id and t.version = r.tariff_version
) ordered
where free_ms_before <> used_before
union all
select 'a record has no grace, but no record of the pair used the grace less than 24 hours before', r.record_id, r.user_id,
       'used by the record that started ' || r.grace_used_at, 'a record that the grace made free'
from records r
where r.grace_used_at is not null and (
    r.started_at - r.grace_used_at >= interval '24 hours'
    or not exists (
        select from records u
        where u.user_id = r.user_id and u.advisor_id = r.advisor_id and u.started_at = r.grace_used_at
            and u.ended_at <= r.started_at and cost_of(u, u.elapsed_ms) = 0
            and cost_of(u, u.elapsed_ms, has_grace => false) > 0
    )
)
union all
select 'an advisor''s earnings from a record are not the sum of its entries', r.record_id, r.user_id,
       r.earned || ' millionths', coalesce(sum(e.advisor_amount), 0) || ' millionths'
from records r left join entries e on e.record_id = r.record_id and e.kind in ('charge', 'share')
group by r.user_id, r.record_id, r.earned
having r.earned <> coalesce(sum(e.advisor_amount), 0)
union all
select 'a record was refunded more than it was charged', r.record_id, r.user_id,
       sum(e.amount) || ' millionths', 'at most ' || r.charged
from records r join entries e on e.record_id = r.record_id and e.kind = 'refund'
group by r.user_id, r.record_id, r.charged
having sum(e.amount) > r.charged
union all
select 'an entry belongs to a record that does not exist', e.entry_id::text, e.user_id, 'record ' || e.record_id, 'a record'
from entries e left join records r using (record_id)
where e.record_id is not null and r.record_id is null
union all
select 'an entry went to an advisor who is not the record''s', r.record_id, r.user_id, e.advisor_id, r.advisor_id
from records r join entries e using (record_id)
where e.advisor_id <> r.advisor_id
union all
select 'a refund is not borne by the party that should bear it', r.record_id, r.user_id,
       -e.advisor_amount || ' millionths by the advisor',
       case e.borne_by when 'platform' then '0' when 'advisor' then e.amount::text else 'from 0 to ' || e.amount end
           || ' millionths'
from records r join entries e using (record_id)
where e.kind = 'refund' and case e.borne_by
    when 'platform' then e.advisor_amount <> 0
    when 'advisor' then e.advisor_amount <> -e.amount
    else e.advisor_amount not between -e.amount and 0
end;
comment on view broken_rule_4 is
    'A record''s charge is the price of its time, and minus the sum of its charge entries. The advisor''s earnings from'
    ' the record are the sum of the advisor''s part of its charge and share entries. Refunds never exceed the charge.'
    ' A view can''t compute prices and fees: talktime doctor does.';

create or replace view broken_rule_5 as
select 'a balance is not the sum of the account''s entries' as what, a.user_id as id, a.user_id,
       a.balance || ' millionths' as stored, coalesce(sum(e.amount), 0) || ' millionths' as follows
from accounts a left join entries e using (user_id)
group by a.user_id, a.balance
having a.balance <> coalesce(sum(e.amount), 0)
union all
select 'a balance is below zero', user_id, user_id, balance || ' millionths', 'at least 0'
from accounts where balance < 0
union all
select 'the unspent gifts are not the sum of the account''s entries', a.user_id, a.user_id,
       (select coalesce(sum((lot ->> 0)::bigint), 0) from jsonb_array_elements(a.gifts) lot) || ' millionths',
       coalesce(sum(e.gift_amount), 0) || ' millionths'
from accounts a left join entries e using (user_id)
group by a.user_id, a.gifts
having (select coalesce(sum((lot ->> 0)::bigint), 0) from jsonb_array_elements(a.gifts) lot) <> coalesce(sum(e.gift_amount), 0)
union all
select 'an entry is on an account that does not exist', e.entry_id::text, e.user_id, e.amount || ' millionths', 'an account'
from entries e left join accounts a using (user_id)
where a.user_id is null;
comment on view broken_rule_5 is
    'A balance is the sum of the account''s entries, and never negative. The unspent gifts are the sum of the gift part'
    ' of those entries. A view can''t tell when unspent gifts expire: talktime doctor spends all gifts again, in order.';

create or replace view broken_rule_6 as
select 'time is billed from before its record began' as what, r.record_id as id, r.user_id,
       'from ' || s.started_at as stored, 'from ' || r.started_at as follows
from records r join segments s using (record_id)
where s.started_at < r.started_at
union all
select 'time is billed after its record stopped', r.record_id, r.user_id, 'until ' || s.ended_at,
       'until ' || coalesce(r.ended_at, r.paused_at)
from records r join segments s using (record_id)
where r.state <> 'running' and s.ended_at > coalesce(r.ended_at, r.paused_at)
union all
select 'time is billed after the credit''s end', record_id, user_id, 'until ' || settled_at, 'until ' || cut_at
from records where state = 'running' and settled_at > cut_at
union all
select 'time is billed after the ' || party || '''s lease', record_id, user_id, 'until ' || settled_at, 'until ' || lease_until
from (
    select record_id, user_id, chat_id, settled_at, 'user' as party, user_lease_until as lease_until
    from records where state = 'running'
    union all
    select record_id, user_id, chat_id, settled_at, 'advisor', advisor_lease_until
    from records where state = 'running'
) lease
where settled_at > lease_until
  and not exists (select from watches w where w.chat_id = lease.chat_id and w.party = lease.party);
comment on view broken_rule_6 is
    'Nothing is billed outside a lease, after a cut, after an end, or while no timer ran. A view knows only the leases'
    ' of running records without a socket. Past leases are not stored, nor is how long the proof of a socket lasts:'
    ' tests/proof checks those. Rule 4 checks that no time was counted outside segments, rule 8 that no cut came late.';

create or replace view broken_rule_7 as
select 'a request was answered more than once under one key' as what, key as id, caller as user_id,
       times || ' answers' as stored, '1' as follows
from (
    select key, caller, count(*) over (partition by caller, method, path, key) as times
    from repeats where caller < 'service:'
    union all
    select key, caller, count(*) over (partition by caller, method, path, key) as times
    from repeats where caller >= 'service;'
) counted
where times > 1
union all
select 'a message is stored more than once', client_id, user_id, times || ' messages', '1'
from (
    select m.client_id, c.user_id, count(*) over (partition by c.user_id, m.chat_id, m.sender, m.client_id) as times
    from chats c join messages m using (chat_id)
) counted
where times > 1;
comment on view broken_rule_7 is
    'A repeated request changes nothing the second time. Unique keys enforce this. A view can''t see what a request'
    ' without a key asked for: tests/proof repeats requests, in parallel and across crashes. `user_id` is the caller of an'
    ' answer. The answers to backends, of which there are far too many for one look, rest on their unique key alone, which'
    ' the check of the schema looks for.';

create or replace view broken_rule_8 as
select 'an entry took more than the account had' as what, entry_id::text as id, user_id,
       sum_until || ' millionths after it' as stored, 'at least 0' as follows
from (
    select entry_id, user_id, sum(amount) over (partition by user_id order by entry_id) as sum_until from entries
) running
where sum_until < 0;
comment on view broken_rule_8 is
    'Credit that running records hold can''t be spent elsewhere. If it was, the charge that follows takes the account'
    ' below zero, and this view shows the entry. talktime doctor also computes when the credit of every running record'
    ' ends.';

create or replace view missing_deadlines as
select a.user_id, r.record_id, a.due_at,
       case r.state when 'requested' then r.ring_until when 'running' then least(r.cut_at, greatest(r.settled_at, least(r.user_lease_until, r.advisor_lease_until))) end
           as needed_at
from accounts a join records r using (user_id)
where r.ended_at is null and (
    a.due_at is null and (
        r.state in ('requested', 'paused') or r.cut_at is not null
        or (select count(distinct w.party) from watches w where w.chat_id = r.chat_id and w.proved_at is null) < 2
    )
    or a.due_at > r.ring_until
    or r.state = 'running' and (
        a.due_at > r.cut_at
        or a.due_at > greatest(r.user_lease_until, r.settled_at)
            and not exists (select from watches w where w.chat_id = r.chat_id and w.party = 'user')
        or a.due_at > greatest(r.advisor_lease_until, r.settled_at)
            and not exists (select from watches w where w.chat_id = r.chat_id and w.party = 'advisor')
    )
);
comment on view missing_deadlines is
    'Active records for which the account''s `due_at` is missing or too late. The health check of every node reads this'
    ' view and repairs what it finds.';

create or replace view broken_rule_9 as
select 'the deadline at which a record must stop or end is missing or too late' as what, record_id as id, user_id,
       coalesce('deadline ' || due_at, 'no deadline') as stored,
       coalesce('not after ' || needed_at, 'an instant') as follows
from missing_deadlines
union all
select 'a deadline is overdue', user_id, user_id, 'due ' || due_at, 'handled within a minute'
from accounts where due_at < (select engine_now()) - interval '1 minute'
union all
select 'the deadline at which a gift expires is missing or too late', a.user_id, a.user_id,
       coalesce('deadline ' || a.due_at, 'no deadline'), 'not after ' || gift.expires_at
from accounts a cross join lateral (
    select min(timestamptz 'epoch' + (lot ->> 1)::bigint * interval '1 millisecond') as expires_at
    from jsonb_array_elements(a.gifts) lot
    where timestamptz 'epoch' + (lot ->> 1)::bigint * interval '1 millisecond' > a.settled_at
) gift
where gift.expires_at < coalesce(a.due_at, 'infinity');
comment on view broken_rule_9 is
    'Every active record and every gift that expires has the deadlines that it needs, and no deadline is overdue by'
    ' more than a minute. How long the proof of a socket lasts is a setting: for a deadline that depends on such a proof,'
    ' the view sees only whether it is missing.';
