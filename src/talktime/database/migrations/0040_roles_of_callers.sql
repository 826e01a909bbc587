/*
    A caller has a role that the program knows: an entry or an act with another role could not be read again, and cannot be
    changed either. The checks are validated by the next migration, so that nobody waits while the tables are read. The
    version before this one stores these roles alone.
*/
alter table entries add constraint entries_by_role_check
    check (by_role in ('user', 'advisor', 'operator', 'service')) not valid;
alter table acts add constraint acts_by_role_check
    check (by_role in ('user', 'advisor', 'operator', 'service')) not valid;
