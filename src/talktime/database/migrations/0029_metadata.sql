/*
    Hosts keep a few short texts with their people, chats, records and entries, and find them in lists, exports and events.
    The meter never reads them. Null is none: a row of the version before this one has none.
*/

alter table accounts add column metadata jsonb;
alter table advisors add column metadata jsonb;
alter table chats add column metadata jsonb;
alter table records add column metadata jsonb;
alter table entries add column metadata jsonb;
comment on column accounts.metadata is 'The host''s own texts about the user, by key.';
comment on column advisors.metadata is 'The host''s own texts about the advisor, by key.';
comment on column chats.metadata is 'The host''s own texts about the chat, given when it was made.';
comment on column records.metadata is 'The host''s own texts about the record, given when it started.';
comment on column entries.metadata is 'The host''s own texts about a credit or a debit.';
