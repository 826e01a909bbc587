/*
    What happened to records, credit and books, as hosts are told of it (`talktime.documents.event`).

    The transaction of a fact stores its events. The version before this one stores facts without events.

    An event never changes. Old events are deleted, and `events_deleted` remembers up to which one, so that a reader who
    was away for too long is told that events are missing. Events have no foreign keys: they are only read.
*/

create table events (
    event_id bigint generated always as identity primary key,
    type text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    user_id text collate "C",
    advisor_id text collate "C",
    chat_id text collate "C",
    record_id text collate "C",
    data json not null,
    data_version int not null
);
comment on table events is 'What happened, in the order of each user''s account. Old events are deleted.';
comment on column events.occurred_at is 'The instant of the fact itself, also if the fact was noticed late.';
comment on column events.recorded_at is 'When the fact was stored.';
comment on column events.data is 'More about the fact, as of `occurred_at`. The fields depend on the type.';
create index events_user on events (user_id, event_id);
create index events_advisor on events (advisor_id, event_id) where advisor_id is not null;
create index events_record on events (record_id, event_id) where record_id is not null;
create trigger events_never_change before update on events execute function refuse_change();
alter table events enable always trigger events_never_change;

create table events_deleted (
    only_row boolean primary key default true check (only_row),
    through bigint not null
);
comment on table events_deleted is 'The largest id of an event that was deleted because of its age; 0 if none was.';
insert into events_deleted (through) values (0);

alter table records add column low_told_at timestamptz;
comment on column records.low_told_at is 'When an event told that the credit of the record is low.';
