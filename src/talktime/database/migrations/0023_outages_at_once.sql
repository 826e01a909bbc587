/*
    A payer is loaded with engine time and with the outages before that instant. Engine time is read as it is then, while
    a stable function sees the tables as they were when the statement began. So an outage that was noted in between was
    missed, and billed. As a volatile function `outages_since` sees every outage that engine time has passed.
*/
alter function outages_since(timestamptz) volatile;
