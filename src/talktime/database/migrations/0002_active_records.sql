/*
    Which records run or wait, however few the planner believes they are.

    The index over the states of active records had the same condition as the one over their pairs. While the statistics
    knew of no active record, the planner thought both the same, and read every active record of everybody to find one
    payer's. With a condition of its own this index answers questions about states, and no other.
*/

drop index records_state;
create index records_state on records (state, started_at) where state <> 'ended';
