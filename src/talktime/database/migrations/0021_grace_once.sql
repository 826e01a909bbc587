/*
    The grace of a tariff is granted to a pair once in 24 hours.

    A record that starts less than 24 hours after the start of a record that the grace made free has no grace. The version
    before this one grants the grace to every record, and so do the records that it makes: their column is null.
*/

alter table records add column grace_used_at timestamptz;
comment on column records.grace_used_at is
    'The start of the pair''s record that used the grace, less than 24 hours before this record, which has none; null with grace.';
