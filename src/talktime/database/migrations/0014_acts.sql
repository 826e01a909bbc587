/*
    Who moved credit or stopped a record.

    An entry that somebody asked for says who that was, and so does a row of `acts`, which also has the acts that make no
    entry. Neither can be changed or removed. The version before this one notes nobody.
*/

alter table entries
    add column by_role text,
    add column by_subject text;
comment on column entries.by_role is 'The role of the caller who added, debited or refunded; null for what follows from time.';
comment on column entries.by_subject is 'The subject of the caller''s token, or of the program that called the library.';

create table acts (
    act_id bigint generated always as identity primary key,
    at timestamptz not null,
    act text not null check (act in ('add_credit', 'debit', 'refund', 'stop')),
    by_role text not null,
    by_subject text not null,
    user_id text collate "C" not null references accounts,
    record_id text collate "C" references records,
    amount bigint check (amount > 0),
    check ((amount is null) = (act = 'stop'))
);
comment on table acts is 'Who moved credit or stopped a record: added only, never changed or removed.';
create index acts_user on acts (user_id, act_id);
create index acts_subject on acts (by_subject, act_id);
create trigger acts_append_only before update or delete or truncate on acts execute function refuse_change();
alter table acts enable always trigger acts_append_only;
