/*
    What the views of now need: the price as an SQL function, and the durations that nodes set. The views themselves are in
    sql/live.sql.

    `price` is the third writing of the price, after Python and TypeScript. `tests/twins` compares all three.
*/

create function price(
    tariff jsonb, elapsed_ms bigint, allowance_ms bigint default null, has_grace boolean default true
) returns bigint language plpgsql immutable parallel safe as $$
declare
    priced_ms numeric := elapsed_ms - coalesce(allowance_ms, coalesce(tariff ->> 'free_seconds', '0')::numeric * 1000);
    grace_ms numeric := case when has_grace then coalesce(tariff ->> 'grace_seconds', '0')::numeric * 1000 else 0 end;
    limit_ms numeric := priced_ms + (coalesce(tariff ->> 'boundary', 'ceil') = 'begun')::int;
    scale numeric := 1; -- the common denominator of all rates: sums are whole numbers of 1 / scale micro-credits
    start_ms numeric := 0;
    exact numeric := coalesce(tariff ->> 'connect_fee', '0')::numeric * 1000000;
    count numeric;
    divisor numeric;
    tier record;
begin
    if priced_ms <= greatest(0, grace_ms) then
        return 0;
    end if;
    for tier in select coalesce(value ->> 'per_seconds', '60')::numeric * 1000 as per_ms from jsonb_array_elements(tariff -> 'tiers') loop
        scale := lcm(scale, tier.per_ms);
    end loop;
    exact := exact * scale;
    for tier in
        select coalesce(value ->> 'from_seconds', '0')::numeric * 1000 as from_ms,
               (value ->> 'rate')::numeric * 1000000 as rate,
               coalesce(value ->> 'per_seconds', '60')::numeric * 1000 as per_ms,
               coalesce(value ->> 'increment_seconds', '1')::numeric * 1000 as increment_ms,
               lead(coalesce(value ->> 'from_seconds', '0')::numeric * 1000) over (order by ordinality) as next_ms
        from jsonb_array_elements(tariff -> 'tiers') with ordinality
        order by ordinality
    loop
        exit when start_ms >= limit_ms; -- the time does not reach this tier
        count := div(least(limit_ms, coalesce(tier.next_ms, limit_ms)) - start_ms + tier.increment_ms - 1, tier.increment_ms);
        continue when count <= 0; -- the last increment of an earlier tier covers this whole tier
        exact := exact + count * tier.increment_ms * tier.rate * div(scale, tier.per_ms);
        start_ms := start_ms + count * tier.increment_ms;
    end loop;
    if tariff ->> 'max_cost' is not null and coalesce(tariff ->> 'at_max_cost', 'free') = 'free' then
        exact := least(exact, (tariff ->> 'max_cost')::numeric * 1000000 * scale);
    end if;
    exact := greatest(exact, coalesce(tariff ->> 'minimum_charge', '0')::numeric * 1000000 * scale);
    divisor := 10::numeric ^ (6 - coalesce(tariff -> 'rounding' ->> 'places', '2')::int) * scale;
    return div(
        case coalesce(tariff -> 'rounding' ->> 'mode', 'up')
            when 'up' then exact + divisor - 1
            when 'down' then exact
            else exact + div(divisor, 2)
        end,
        divisor
    ) * div(divisor, scale);
end
$$;
comment on function price(jsonb, bigint, bigint, boolean) is
    'What some running time costs by a tariff, in micro-credits. Without an allowance, all free time of the tariff is left.';

alter table engine_clock
    add column lease_ms bigint not null default 30000 check (lease_ms > 0),
    add column recharge_ms bigint not null default 300000 check (recharge_ms >= 0),
    add column abandon_ms bigint not null default 600000 check (abandon_ms >= 0);
comment on column engine_clock.lease_ms is 'How long the proof of a socket counts; a setting of the nodes, which store it when they start.';
comment on column engine_clock.recharge_ms is 'How long a record waits for credit; a setting of the nodes.';
comment on column engine_clock.abandon_ms is 'How long a record that is paused for another reason waits; a setting of the nodes.';

create type live_totals as (
    at timestamptz, state text, reason text, elapsed_ms bigint, cost bigint, paused_at timestamptz, ended_at timestamptz
);
