/* Entries and acts of before have these roles, too: readers and writers go on while the tables are checked. */
alter table entries validate constraint entries_by_role_check;
alter table acts validate constraint acts_by_role_check;
