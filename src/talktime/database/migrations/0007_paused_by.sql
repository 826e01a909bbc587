/*
    A record that a person has paused says who it was, for both screens to say it.
*/

alter table records add column paused_by text check (paused_by in ('user', 'advisor', 'operator', 'service'));
comment on column records.paused_by is 'Whose act it is that the record waits for one; null for every other reason, and where nobody noted it.';
