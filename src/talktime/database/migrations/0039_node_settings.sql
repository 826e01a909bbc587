/*
    The settings that all nodes of a database must share, as each node has them, so that differences are noticed. The
    version before this one says nothing of its settings.
*/
alter table nodes add column settings jsonb not null default '{}';
comment on column nodes.settings is 'The settings of the process that all nodes must share; of secrets, the names.';
