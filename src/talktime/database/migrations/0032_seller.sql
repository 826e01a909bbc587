/*
    A receipt names the seller and the currency of its record's start, whatever the settings say later.

    Null is a record of the version before this one, which did not store them; an empty text is none.
*/

alter table records add column seller text;
alter table records add column currency text;
comment on column records.seller is 'The name of the seller (TALKTIME_NAME) when the record started; null if it was not stored.';
comment on column records.currency is 'The currency of one credit (TALKTIME_CURRENCY) when the record started; null if it was not stored.';
