-- without a transaction
/*
    The newest active records are found by an index of their own. With the index on all records a list of them reads every
    record that has ended since. A build that was broken off leaves an index that is not valid, so it is removed first.
*/
drop index concurrently if exists records_active_started;
create index concurrently records_active_started on records (started_at, record_id) where state <> 'ended';
