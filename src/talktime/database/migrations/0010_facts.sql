/*
    Entries and tariffs are added, never changed or removed, also by programs that turn triggers off while they copy or
    restore (`session_replication_role`).
*/

alter table entries enable always trigger entries_append_only;
alter table tariffs enable always trigger tariffs_append_only;
