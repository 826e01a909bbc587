/*
    Who ended a record, for its screens and its receipt. A record that ended before this migration has nobody. The check is
    validated by the next migration, so that nobody waits while the table is read.
*/
alter table records add column ended_by text;
alter table records add constraint records_ended_by_check
    check (ended_by in ('user', 'advisor', 'operator', 'service')) not valid;
comment on column records.ended_by is 'Who stopped or declined the record; null for every other end, and where nobody noted it.';
