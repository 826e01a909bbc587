/*
    Segments of a record never overlap: the same rule, on a number made of the record's id instead of the id.

    Every start, switch and stop writes to this index, and long texts are what it is slowest at. Two ids may make the same
    number, once in 2^64: then one of two records that run at the same time would be refused, never an overlap allowed.
*/

alter table segments
    drop constraint segments_never_overlap,
    add constraint segments_never_overlap exclude using gist (
        hashtextextended(record_id, 0) with =, tstzrange(started_at, ended_at) with &&
    );
