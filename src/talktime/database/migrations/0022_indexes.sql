-- without a transaction
/*
    The segments of one record are found by its id. The index of the exclusion constraint has a number made of the id, and
    the index over open segments has no others, so a receipt read every segment of everybody.

    The health check finds the records whose timer may be due to run, however many others there are.

    The indexes are built while others write. A build that was broken off leaves an index that is not valid, so each build
    begins by removing what is there.
*/
drop index concurrently if exists segments_record;
create index concurrently segments_record on segments (record_id);
drop index concurrently if exists records_waiting_for_somebody;
create index concurrently records_waiting_for_somebody on records (record_id)
    where waiting_since is not null and reason in ('timer_failed', 'user_away', 'advisor_away');
