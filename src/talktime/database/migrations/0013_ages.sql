-- without a transaction
/*
    Rows that are no facts are deleted when they are old (`talktime.node.retention`), so they are found by their age.
    The indexes are built while the version before this one goes on storing answers and messages. A build that was broken
    off leaves an index that is not valid, so each build begins by removing what is there.
*/
drop index concurrently if exists repeats_at;
create index concurrently repeats_at on repeats (at);
drop index concurrently if exists messages_at;
create index concurrently messages_at on messages (at);
