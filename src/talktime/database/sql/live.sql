/*
    The totals of now, for readers of the database.

    Nothing is written because time passes, so a stored total is as of `records.settled_at`. The views `live_records` and
    `live_chats` show what the totals are at this instant of engine time, with every deadline that is due, applied or not.
    What happens to a record by itself is decided in `talktime.core.meter.settle`; the function `live` does the same for one
    record. `tests/proof/test_live_views.py` compares the two.

    `talktime migrate` applies this file after every migration, and again whenever its text has changed. So only `create or
    replace`: older programs on the same database still read what they know. Names in PL/pgSQL have their schema, because a
    reader may have another search path.
*/

create or replace function postponed(until timestamptz, since timestamptz) returns timestamptz language plpgsql stable as $$
declare
    outage talktime.outages;
begin
    for outage in select * from talktime.outages where ended_at > since order by started_at loop
        exit when outage.started_at >= until;
        until := until + (outage.ended_at - greatest(outage.started_at, since));
    end loop;
    return until;
end
$$;

create or replace function outage_between(since timestamptz, until timestamptz) returns bigint language sql stable
return (
    select coalesce(sum(milliseconds(least(ended_at, until) - greatest(started_at, since))), 0)::bigint
    from outages where ended_at > since and started_at < until
);
comment on function outage_between is 'How long outages lasted between two instants, in milliseconds.';

create or replace function socket_lease_until(chat text, party text, lease_ms bigint) returns timestamptz language sql stable
return (
    select talktime.postponed(max(proved_at) + lease_ms * interval '1 millisecond', max(proved_at))
    from (
        select coalesce(w.proved_at, n.renewed_at) as proved_at from watches w join nodes n using (node_id)
        where w.chat_id = chat and w.party = socket_lease_until.party
    ) proofs
);
comment on function socket_lease_until is 'The end of the lease that the sockets of a party prove in a chat; null without a socket.';

create or replace function cost_of(r records, elapsed_ms bigint, has_grace boolean default true) returns bigint language sql stable
return (
    select price(
        t.tariff, elapsed_ms,
        greatest(0, (coalesce(t.tariff ->> 'free_seconds', '0')::numeric * 1000)::bigint - r.free_ms_before),
        has_grace and r.grace_used_at is null)
    from tariffs t where t.advisor_id = r.advisor_id and t.version = r.tariff_version
);
comment on function cost_of is 'What some running time of a record costs, in micro-credits.';

create or replace function live(r records, settled_at timestamptz, at timestamptz) returns live_totals language plpgsql stable as $$
-- What `talktime.core.meter.settle` makes of one record: `settled_at` is that of its account.
declare
    totals talktime.live_totals;
    clock talktime.engine_clock;
    terms jsonb;
    cut_at timestamptz;
    user_until timestamptz;
    advisor_until timestamptz;
    stop_at timestamptz;
    waiting_since timestamptz := r.waiting_since;
    wait_until timestamptz;
    wait_ends_at timestamptz;
begin
    totals := row(at, r.state, r.reason, r.elapsed_ms, r.charged, case r.state when 'paused' then r.paused_at end, r.ended_at);
    if r.state = 'ended' then
        return totals;
    end if;
    select * into clock from talktime.engine_clock;
    if r.state in ('requested', 'running') then
        user_until := greatest(
            r.settled_at, talktime.postponed(r.user_lease_until, settled_at),
            talktime.socket_lease_until(r.chat_id, 'user', clock.lease_ms));
    end if;
    if r.state = 'requested' then
        wait_ends_at := talktime.postponed(r.ring_until, settled_at);
        stop_at := least(user_until, wait_ends_at);
        if stop_at <= at then
            totals.state := 'ended';
            totals.reason := case stop_at when user_until then 'user_away' else 'missed' end;
            totals.ended_at := stop_at;
        end if;
        return totals;
    end if;
    if r.state = 'running' then
        cut_at := talktime.postponed(r.cut_at, settled_at);
        advisor_until := greatest(
            r.settled_at, talktime.postponed(r.advisor_lease_until, settled_at),
            talktime.socket_lease_until(r.chat_id, 'advisor', clock.lease_ms));
        stop_at := least(cut_at, user_until, advisor_until);
        totals.elapsed_ms := r.elapsed_ms + talktime.milliseconds(least(at, stop_at) - r.settled_at)
            - talktime.outage_between(settled_at, least(at, stop_at));
        select t.tariff into terms from talktime.tariffs t where t.advisor_id = r.advisor_id and t.version = r.tariff_version;
        totals.cost := talktime.cost_of(r, totals.elapsed_ms);
        if stop_at > at then
            return totals;
        end if;
        if stop_at = cut_at and terms ->> 'at_max_cost' = 'stop'
            and talktime.cost_of(r, totals.elapsed_ms + 1) > (terms ->> 'max_cost')::numeric * 1000000
        then
            totals.state := 'ended';
            totals.reason := 'max_cost';
            totals.ended_at := stop_at;
            return totals;
        end if;
        totals.state := 'paused';
        totals.reason := case stop_at when cut_at then 'out_of_credit' when user_until then 'user_away' else 'advisor_away' end;
        totals.paused_at := stop_at;
        waiting_since := stop_at;
    end if;
    wait_until := case totals.reason
        when 'out_of_credit' then greatest(
            waiting_since + clock.recharge_ms * interval '1 millisecond',
            r.paying_until + talktime.outage_between(settled_at, greatest(settled_at, waiting_since)) * interval '1 millisecond')
        else waiting_since + clock.abandon_ms * interval '1 millisecond' end;
    wait_ends_at := talktime.postponed(wait_until, greatest(settled_at, waiting_since));
    if wait_ends_at <= at then
        totals.state := 'ended';
        totals.ended_at := case totals.reason
            when 'out_of_credit' then waiting_since + (wait_ends_at - wait_until)
            else coalesce(totals.paused_at, r.started_at) end;
        totals.paused_at := null;
        totals.reason := case totals.reason when 'out_of_credit' then totals.reason else 'abandoned' end;
    end if;
    return totals;
end
$$;
comment on function live is 'What a record has come to at an instant, with every deadline that is due by then, applied or not.';

create or replace view live_records as
select l.at, r.record_id, r.user_id, r.advisor_id, r.chat_id, l.state, l.reason, r.started_at, l.paused_at, l.ended_at,
       l.elapsed_ms, l.cost
from records r join accounts a using (user_id) cross join lateral live(r, a.settled_at, greatest(engine_now(), a.settled_at)) l;
comment on view live_records is 'Every record as of this instant of engine time: its state, its running time and its cost.';

create or replace view live_chats as
select coalesce(l.at, engine_now()) as at, c.chat_id, c.user_id, c.advisor_id, c.record_id, c.message_count, c.created_at,
       c.duration_ms + coalesce(l.elapsed_ms - r.elapsed_ms, 0) as duration_ms
from chats c
left join records r on r.chat_id = c.chat_id and r.state = 'running'
left join accounts a on a.user_id = r.user_id
left join lateral live(r, a.settled_at, greatest(engine_now(), a.settled_at)) l on true;
comment on view live_chats is 'Every chat with its duration as of this instant of engine time.';
