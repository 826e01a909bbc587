/*
    How an advisor's records start (`talktime.core.starts`).

    A record that was active before this migration, or that a node of the version before this one starts, goes on as
    before: `at_once`. The version before this one can't read a requested record, so let an advisor's records start
    `accepted` only when every node runs this version.

    The new checks allow all that the old checks allowed. `0017_starts_checked.sql` validates them.
*/

alter table advisors
    add column starts text not null default 'present' check (starts in ('present', 'accepted', 'at_once')),
    add column ring_ms bigint not null default 60000 check (ring_ms > 0),
    add column max_active int check (max_active > 0);
comment on column advisors.starts is 'What has to happen before the timer of a new record starts.';
comment on column advisors.ring_ms is 'How long a request rings before the record ends as missed.';
comment on column advisors.max_active is 'How many records of the advisor may be active at once; null for no maximum.';

alter table records
    add column starts text not null default 'at_once',
    add column ring_until timestamptz,
    add column decline_reason text,
    drop constraint records_state_check,
    drop constraint records_reason_check,
    drop constraint records_check,
    add constraint records_state_check check (state in ('requested', 'running', 'paused', 'ended')) not valid,
    add constraint records_reason_check check (
        reason in (
            'stopped', 'paused', 'out_of_credit', 'user_away', 'advisor_away', 'abandoned', 'timer_failed', 'max_cost',
            'declined', 'missed'
        )
    ) not valid,
    add constraint records_check check ((state in ('requested', 'running')) = (reason is null)) not valid,
    add constraint records_starts_check check (starts in ('present', 'accepted', 'at_once')) not valid,
    add constraint records_ring_check check ((state = 'requested') = (ring_until is not null)) not valid,
    add constraint records_decline_reason_check check (decline_reason is null or reason = 'declined') not valid;
comment on column records.starts is 'How the record started, and so whether a resume waits for an absent advisor.';
comment on column records.ring_until is 'When the request is missed; null unless the record is requested.';
comment on column records.decline_reason is 'What the advisor said when the advisor declined.';
