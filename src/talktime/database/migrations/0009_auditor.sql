/*
    The auditor sees entries that went to the wrong advisor or at the wrong party's cost, rows whose record, chat or account
    is gone, and gifts whose expiry nobody waits for.

    The other rows of these views are as they were.
*/

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
select 'a segment is on a chat of other people', r.record_id, r.user_id,
       coalesce(c.user_id || ' with ' || c.advisor_id, 'a chat that is not there'), r.user_id || ' with ' || r.advisor_id
from records r join segments s using (record_id) left join chats c on c.chat_id = s.chat_id
where (c.user_id, c.advisor_id) is distinct from (r.user_id, r.advisor_id)
union all
select 'a segment is of a record that is not there', c.chat_id, c.user_id, 'record ' || s.record_id, 'a record'
from chats c join segments s using (chat_id) left join records r on r.record_id = s.record_id
where r.record_id is null;

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
           lag(r.free_ms_before + least(r.elapsed_ms, greatest(0, t.free_ms - r.free_ms_before)), 1, 0::bigint)
               over (partition by r.user_id, r.advisor_id order by r.started_at, r.ended_at) as used_before
    from records r join (
        select advisor_id, version, (coalesce(tariff ->> 'free_seconds', '0')::numeric * 1000)::bigint as free_ms from tariffs
    ) t on t.advisor_id = r.advisor_id and t.version = r.tariff_version
) ordered
where free_ms_before <> used_before
union all
select 'what an advisor earned by a record is not the sum of its entries', r.record_id, r.user_id,
       r.earned || ' millionths', coalesce(sum(e.advisor_amount), 0) || ' millionths'
from records r left join entries e on e.record_id = r.record_id and e.kind in ('charge', 'share')
group by r.user_id, r.record_id, r.earned
having r.earned <> coalesce(sum(e.advisor_amount), 0)
union all
select 'more of a record was given back than it was charged', r.record_id, r.user_id,
       sum(e.amount) || ' millionths', 'at most ' || r.charged
from records r join entries e on e.record_id = r.record_id and e.kind = 'refund'
group by r.user_id, r.record_id, r.charged
having sum(e.amount) > r.charged
union all
select 'an entry is of a record that is not there', e.entry_id::text, e.user_id, 'record ' || e.record_id, 'a record'
from entries e left join records r using (record_id)
where e.record_id is not null and r.record_id is null
union all
select 'an entry went to another advisor than the record''s', r.record_id, r.user_id, e.advisor_id, r.advisor_id
from records r join entries e using (record_id)
where e.advisor_id <> r.advisor_id
union all
select 'a refund is not borne by who was to bear it', r.record_id, r.user_id,
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
    'A record''s charge is the price of its time and minus the sum of its charge entries. What it gave the advisor'
    ' is the sum of theirs, and no more is given back than was charged. A view can''t price: the doctor does, and the fees, too.';

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
select 'what is left of gifts is not what the account''s entries say', a.user_id, a.user_id,
       (select coalesce(sum((lot ->> 0)::bigint), 0) from jsonb_array_elements(a.gifts) lot) || ' millionths',
       coalesce(sum(e.gift_amount), 0) || ' millionths'
from accounts a left join entries e using (user_id)
group by a.user_id, a.gifts
having (select coalesce(sum((lot ->> 0)::bigint), 0) from jsonb_array_elements(a.gifts) lot) <> coalesce(sum(e.gift_amount), 0)
union all
select 'an entry is on an account that is not there', e.entry_id::text, e.user_id, e.amount || ' millionths', 'an account'
from entries e left join accounts a using (user_id)
where a.user_id is null;
comment on view broken_rule_5 is
    'A balance is the sum of the account''s entries, and never negative; so is what of it was given, not bought.'
    ' When the gifts that are left expire a view can''t tell: the doctor spends them anew.';

create or replace view broken_rule_9 as
select 'nothing is planned for when the record must stop or end by itself' as what, record_id as id, user_id,
       coalesce('planned ' || due_at, 'nothing planned') as stored,
       coalesce('not after ' || needed_at, 'an instant') as follows
from missing_deadlines
union all
select 'what was due is not done', user_id, user_id, 'due ' || due_at, 'done within a minute'
from accounts where due_at < (select engine_now()) - interval '1 minute'
union all
select 'nothing is planned for when a gift expires', a.user_id, a.user_id,
       coalesce('planned ' || a.due_at, 'nothing planned'), 'not after ' || gift.expires_at
from accounts a cross join lateral (
    select min(timestamptz 'epoch' + (lot ->> 1)::bigint * interval '1 millisecond') as expires_at
    from jsonb_array_elements(a.gifts) lot
    where timestamptz 'epoch' + (lot ->> 1)::bigint * interval '1 millisecond' > a.settled_at
) gift
where gift.expires_at < coalesce(a.due_at, 'infinity');
comment on view broken_rule_9 is
    'Every active record has the deadlines it needs, so has every gift that expires, and none is overdue by more than a'
    ' minute. For how long a socket''s proof lasts is a setting, so a deadline that depends on one is seen only if it is missing.';
