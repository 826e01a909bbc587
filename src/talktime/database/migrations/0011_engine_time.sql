/*
    Engine time does not believe the clock of this server.

    Nodes measure real elapsed time on clocks that do not step. About once a second a node *renews* engine time: it
    compares the clock of this server with its own, takes back what the clock of this server has stepped or drifted
    (`held_ms`), and stores the engine time that it found (`renewed_at`). Between two renewals engine time follows the
    clock of this server, but never to before the last renewal, and never further than `reach_ms` beyond it.

    More than `outage_ms` without a renewal is an *outage*: no node could write. Whatever statement stores the
    next renewal, the database itself notes the outage. `talktime.core.outages` says what an outage means for a payer.

    A node of the version before this one renews nothing. Whenever such a node renews its own row, engine time follows
    the clock of this server freely, until a node of this version renews engine time again.
*/

create function host_clock() returns timestamptz language sql volatile
return clock_timestamp();
comment on function host_clock is 'The clock of this server. Nothing but engine time and its renewal reads it.';

alter table engine_clock
    add column held_ms bigint not null default 0,
    add column reach_ms bigint not null default 2000 check (reach_ms > 0),
    add column outage_ms bigint not null default 3000 check (outage_ms > 0),
    add column renewed_at timestamptz,
    add column corrections bigint not null default 0;
comment on column engine_clock.held_ms is 'What nodes have added to the clock of this server, so that engine time follows real elapsed time.';
comment on column engine_clock.reach_ms is 'How far engine time goes beyond the last renewal.';
comment on column engine_clock.outage_ms is 'Longer without a renewal is an outage; a setting of the nodes.';
comment on column engine_clock.renewed_at is 'Engine time of the last renewal; null while engine time follows the clock of this server freely.';
comment on column engine_clock.corrections is 'How often nodes have changed held_ms.';

create function unbounded_now() returns timestamptz language sql volatile
return (
    select date_trunc('milliseconds', host_clock()) + (offset_ms + held_ms) * interval '1 millisecond' from engine_clock
);
comment on function unbounded_now is 'Engine time as the clock of this server has it, however long ago the last renewal was.';

create or replace function engine_now() returns timestamptz language sql volatile
return (
    select greatest(
        renewed_at,
        least(
            date_trunc('milliseconds', host_clock()) + (offset_ms + held_ms) * interval '1 millisecond',
            renewed_at + reach_ms * interval '1 millisecond'
        )
    )
    from engine_clock
);

create table outages (
    started_at timestamptz primary key,
    ended_at timestamptz not null,
    check (ended_at > started_at)
);
comment on table outages is 'The times in which no node could write: billed to nobody, and no lease or window runs out in them.';
create trigger outages_append_only before update or delete or truncate on outages execute function refuse_change();
alter table outages enable always trigger outages_append_only;
create index outages_ended on outages (ended_at);

create function note_outage() returns trigger language plpgsql as $$
begin
    if new.offset_ms <> old.offset_ms then
        -- The test clock was moved: nothing happened in between, so this is no outage.
        new.renewed_at := greatest(new.renewed_at, old.renewed_at + (new.offset_ms - old.offset_ms) * interval '1 millisecond');
    elsif new.held_ms = old.held_ms and new.renewed_at > old.renewed_at + old.outage_ms * interval '1 millisecond' then
        insert into outages (started_at, ended_at) values (old.renewed_at, new.renewed_at);
    end if;
    return new;
end
$$;
create trigger engine_clock_notes_outages before update on engine_clock for each row execute function note_outage();

create function outages_since(since timestamptz) returns bigint[] language sql stable
return (
    select array_agg(bound order by bound) from (
        select unnest(array[
            (extract(epoch from started_at) * 1000)::bigint, (extract(epoch from ended_at) * 1000)::bigint]) as bound
        from outages where ended_at > since
    ) bounds
);
comment on function outages_since is 'The outages that ended after an instant: start and end of each in turn, in ms since 1970; null if there are none.';

create function postponed(until timestamptz, since timestamptz) returns timestamptz language plpgsql stable as $$
declare
    outage outages;
begin
    for outage in select * from outages where ended_at > since order by started_at loop
        exit when outage.started_at >= until;
        until := until + (outage.ended_at - greatest(outage.started_at, since));
    end loop;
    return until;
end
$$;
comment on function postponed is 'When something ends that at `since` was to end at `until`: outages do not count.';

alter table nodes add column renews_clock boolean not null default false;
comment on column nodes.renews_clock is 'Whether the process renews engine time. Processes of the version before do not.';

create function free_clock() returns trigger language plpgsql as $$
begin
    update engine_clock set renewed_at = null where renewed_at is not null;
    return null;
end
$$;
create trigger nodes_free_clock after insert or update on nodes for each row when (not new.renews_clock) execute function free_clock();

alter table segments
    drop constraint segments_reason_check,
    add constraint segments_reason_check check (
        reason in ('stopped', 'paused', 'out_of_credit', 'user_away', 'advisor_away', 'switched', 'max_cost', 'platform')
    );
