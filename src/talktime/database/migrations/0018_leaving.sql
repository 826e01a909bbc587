/*
    When a page said that it closes.

    The party's lease is shortened at that instant. The instant is kept because the page's socket may be closed only after
    that, and what the socket proved before must not make the lease longer again. The version before this one ignores both
    columns: there a page that closes stays present for one lease.
*/

alter table records
    add column user_left_at timestamptz,
    add column advisor_left_at timestamptz;
comment on column records.user_left_at is 'When a page of the user said that it closes; null if the user has proved presence since by a heartbeat, an act or a new socket.';
comment on column records.advisor_left_at is 'The same of the advisor.';
