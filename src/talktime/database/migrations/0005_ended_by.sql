/*
    A segment says whose act ended it, for a receipt to tell who caused the time that was not billed.
*/

alter table segments add column ended_by text check (ended_by in ('user', 'advisor', 'operator', 'service'));
comment on column segments.ended_by is 'Whose act it was to pause or stop; null where it was nobody''s, or nobody noted it.';
