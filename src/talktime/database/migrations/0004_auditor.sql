/*
    The auditor: the nine rules of the design, each a view that must be empty.

    A row is a breach: `what` is wrong in words, with which row (`id`) of which user, what is `stored` and what `follows`
    from the facts. Facts are segments, entries, tariffs and when a record began and ended; totals (a balance, a chat's
    duration, a record's elapsed time and charge) follow from them, as of the instant the record was last settled.

    `user_id` is in every grouping and every window, so that `where user_id > … and user_id <= …` reaches the tables:
    the auditor walks from account to account, and a glance at a few of them is cheap.

    What a view can't see its comment says, and who holds it instead. Prices are computed by the program: it checks
    every posting against the time that had passed (`talktime doctor`), from `audited_*` in queries.sql.
*/

create function milliseconds(duration interval) returns bigint language sql immutable
return (extract(epoch from duration) * 1000)::bigint;

create view broken_rule_1 as
select 'the pair has more than one active record' as what, record_id as id, user_id,
       active || ' active records' as stored, 'at most 1' as follows
from (
    select record_id, user_id, count(*) over (partition by user_id, advisor_id) as active
    from records where ended_at is null
) counted
where active > 1;
comment on view broken_rule_1 is 'At most one active record per user and advisor. The unique index holds it, too.';

create view broken_rule_2 as
select 'the record has more than one open segment' as what, record_id as id, user_id,
       open || ' open segments' as stored, 'at most 1' as follows
from (
    select r.record_id, r.user_id, count(*) over (partition by r.user_id, r.record_id) as open
    from records r join segments s using (record_id) where s.ended_at is null
) counted
where open > 1
union all
select 'a segment begins before the one before it has ended', record_id, user_id,
       'begins ' || started_at, 'not before ' || coalesce(ended_before::text, 'the one before has an end')
from (
    select r.record_id, r.user_id, s.started_at,
           lag(s.ended_at, 1, '-infinity') over by_start as ended_before
    from records r join segments s using (record_id)
    window by_start as (partition by r.user_id, r.record_id order by s.started_at, s.segment_id)
) ordered
where ended_before is null or started_at < ended_before;
comment on view broken_rule_2 is
    'At most one open segment per record, and a record''s segments never overlap. Index and exclusion constraint hold it, too.';

create view broken_rule_3 as
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
select 'a segment is on a chat of other people', r.record_id, r.user_id,
       c.user_id || ' with ' || c.advisor_id, r.user_id || ' with ' || r.advisor_id
from records r join segments s using (record_id) join chats c on c.chat_id = s.chat_id
where (c.user_id, c.advisor_id) <> (r.user_id, r.advisor_id);
comment on view broken_rule_3 is
    'A chat''s duration is the sum of its segments, over all its records, an open one up to when its record was last settled;'
    ' only the current chat of a running record has an open segment.';

create view broken_rule_4 as
select 'a record''s charge is not the sum of its charge entries' as what, r.record_id as id, r.user_id,
       r.charged || ' millionths' as stored, -coalesce(sum(e.amount), 0) || ' millionths' as follows
from records r left join entries e on e.record_id = r.record_id and e.kind = 'charge'
group by r.user_id, r.record_id, r.charged
having r.charged <> -coalesce(sum(e.amount), 0)
union all
select 'a charge is on another user''s account', r.record_id, r.user_id, e.user_id, r.user_id
from records r join entries e on e.record_id = r.record_id and e.kind = 'charge'
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
           lag(r.free_ms_before + least(r.elapsed_ms, greatest(0, t.free_ms - r.free_ms_before)), 1, 0::bigint)
               over (partition by r.user_id, r.advisor_id order by r.started_at, r.ended_at) as used_before
    from records r join (
        select advisor_id, version, (coalesce(tariff ->> 'free_seconds', '0')::numeric * 1000)::bigint as free_ms from tariffs
    ) t on t.advisor_id = r.advisor_id and t.version = r.tariff_version
) ordered
where free_ms_before <> used_before;
comment on view broken_rule_4 is
    'A record''s charge is the price of its time and minus the sum of its charge entries. A view can''t price:'
    ' the doctor does, for the record and for every posting.';

create view broken_rule_5 as
select 'a balance is not the sum of the account''s entries' as what, a.user_id as id, a.user_id,
       a.balance || ' millionths' as stored, coalesce(sum(e.amount), 0) || ' millionths' as follows
from accounts a left join entries e using (user_id)
group by a.user_id, a.balance
having a.balance <> coalesce(sum(e.amount), 0)
union all
select 'a balance is below zero', user_id, user_id, balance || ' millionths', 'at least 0'
from accounts where balance < 0;
comment on view broken_rule_5 is 'A balance is the sum of the account''s entries, and never negative.';

create view broken_rule_6 as
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
    'Nothing is billed outside a lease, after a cut, after an end, or while no timer ran. A view knows only the leases of'
    ' records that run without a socket: those of the past, and how long a socket''s proof lasts, are not stored, and'
    ' tests/proof holds them. That no time counted outside segments is rule 4''s; that no cut came late, rule 8''s.';

create view broken_rule_7 as
select 'a request was answered more than once under one key' as what, key as id, caller as user_id,
       times || ' answers' as stored, '1' as follows
from (
    select key, caller, count(*) over (partition by caller, method, path, key) as times from repeats
) counted
where times > 1
union all
select 'a message is there more than once', client_id, user_id, times || ' messages', '1'
from (
    select m.client_id, c.user_id, count(*) over (partition by c.user_id, m.chat_id, m.sender, m.client_id) as times
    from chats c join messages m using (chat_id)
) counted
where times > 1;
comment on view broken_rule_7 is
    'Repeating a request changes nothing the second time. Unique keys hold it; a view can''t see what a request without'
    ' a key asked for. tests/proof repeats requests, in parallel and across crashes. `user_id` is the caller for answers.';

create view broken_rule_8 as
select 'an entry took more than the account had' as what, entry_id::text as id, user_id,
       sum_until || ' millionths after it' as stored, 'at least 0' as follows
from (
    select entry_id, user_id, sum(amount) over (partition by user_id order by entry_id) as sum_until from entries
) running
where sum_until < 0;
comment on view broken_rule_8 is
    'Committed credit can''t be spent elsewhere. Where it was, the charge that follows takes the account below zero, here.'
    ' The doctor also computes anew, for every running record, the instant its credit ends.';

create or replace view missing_deadlines as
select a.user_id, r.record_id, a.due_at,
       case r.state when 'running' then least(r.cut_at, greatest(r.settled_at, least(r.user_lease_until, r.advisor_lease_until))) end
           as needed_at
from accounts a join records r using (user_id)
where r.ended_at is null and (
    a.due_at is null and (
        r.state = 'paused' or r.cut_at is not null
        or (select count(distinct w.party) from watches w where w.chat_id = r.chat_id and w.proved_at is null) < 2
    )
    or r.state = 'running' and (
        a.due_at > r.cut_at
        or a.due_at > greatest(r.user_lease_until, r.settled_at)
            and not exists (select from watches w where w.chat_id = r.chat_id and w.party = 'user')
        or a.due_at > greatest(r.advisor_lease_until, r.settled_at)
            and not exists (select from watches w where w.chat_id = r.chat_id and w.party = 'advisor')
    )
);
comment on view missing_deadlines is
    'Active records whose account has no instant for what must happen by itself, or one that is too late.';

create view broken_rule_9 as
select 'nothing is planned for when the record must stop or end by itself' as what, record_id as id, user_id,
       coalesce('planned ' || due_at, 'nothing planned') as stored,
       coalesce('not after ' || needed_at, 'an instant') as follows
from missing_deadlines
union all
select 'what was due is not done', user_id, user_id, 'due ' || due_at, 'done within a minute'
from accounts where due_at < (select engine_now()) - interval '1 minute';
comment on view broken_rule_9 is
    'Every active record has the deadlines it needs, and none is overdue by more than a minute. For how long a socket''s'
    ' proof lasts is a setting, so a deadline that depends on one is seen only if it is missing.';
