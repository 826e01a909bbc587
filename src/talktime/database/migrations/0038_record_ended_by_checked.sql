/*
    The check of `0037_record_ended_by.sql` is validated while the version before goes on working.
*/
alter table records validate constraint records_ended_by_check;
