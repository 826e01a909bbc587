-- Which request an event comes from. The version before stores events without it.
alter table events add column request_id text collate "C";
comment on column events.request_id is
    'The id of the request that caused it, as in its answer and in the logs; null if the event happened by itself.';
