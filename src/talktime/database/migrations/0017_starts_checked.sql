-- without a transaction
/*
    The checks of `0015_starts.sql` are validated while the version before goes on working, and an index finds the active
    records of an advisor who may have only a few at once. A build that was broken off leaves an index that is not valid,
    so the build begins by removing what is there.
*/
alter table records validate constraint records_state_check;
alter table records validate constraint records_reason_check;
alter table records validate constraint records_check;
alter table records validate constraint records_starts_check;
alter table records validate constraint records_ring_check;
alter table records validate constraint records_decline_reason_check;
drop index concurrently if exists records_active_of_advisor;
create index concurrently records_active_of_advisor on records (advisor_id) where state <> 'ended';
