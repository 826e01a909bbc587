/*
    Somebody is paying: a record that is out of credit waits longer.

    The version before this one ignores the column: there such a record ends when its recharge window is over.
*/

alter table records add column paying_until timestamptz;
comment on column records.paying_until is 'Until when a record that is out of credit waits at least, because somebody is paying; null otherwise.';
