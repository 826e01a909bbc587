/*
    What a node says about itself when it renews its row: which of its workers fail, and have failed for long. So the
    doctor knows of them, who asks no node. The version before this one says nothing.
*/
alter table nodes add column late_workers text[] not null default '{}';
comment on column nodes.late_workers is 'The workers of the process that have failed for long.';
