-- without a transaction
/*
    Lists and exports find their rows by an index, however many rows there are.

    People are found by the beginning of their name, written in any case. The order is that of the bytes (`collate "C"`),
    so that a range of names is a range of the index on every server, whatever its language.
    Records are found by why their time stopped, and when. Entries are found by when they were posted, in the order in
    which pages and exports list them, and by their reference.

    The indexes are built while others write. A build that was broken off leaves an index that is not valid, so each build
    begins by removing what is there.
*/
drop index concurrently if exists accounts_name;
create index concurrently accounts_name on accounts (lower(display_name) collate "C", user_id);
drop index concurrently if exists advisors_name;
create index concurrently advisors_name on advisors (lower(display_name) collate "C", advisor_id);
drop index concurrently if exists records_reason;
create index concurrently records_reason on records (reason, coalesce(ended_at, paused_at, started_at), record_id)
    where reason is not null;
drop index concurrently if exists segments_reason;
create index concurrently segments_reason on segments (reason, ended_at, record_id) where reason is not null;
drop index concurrently if exists entries_posted;
create index concurrently entries_posted on entries (at, entry_id);
drop index concurrently if exists entries_reference;
create index concurrently entries_reference on entries (reference collate "C", at, entry_id) where reference is not null;
