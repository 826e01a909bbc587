/*
    An advisor's records of a period are found by the advisor, for statements; the auditor looks at shares, refunds and gifts.
*/

create index records_advisor on records (advisor_id, started_at);

create or replace view broken_rule_4 as
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
having sum(e.amount) > r.charged;
comment on view broken_rule_4 is
    'A record''s charge is the price of its time and minus the sum of its charge entries. What it gave the advisor'
    ' is the sum of theirs, and no more is given back than was charged. A view can''t price: the doctor does.';

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
having (select coalesce(sum((lot ->> 0)::bigint), 0) from jsonb_array_elements(a.gifts) lot) <> coalesce(sum(e.gift_amount), 0);
comment on view broken_rule_5 is 'A balance is the sum of the account''s entries, and never negative; so is what of it was given, not bought.';
