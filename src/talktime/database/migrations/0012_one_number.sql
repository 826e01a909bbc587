/*
    One number for each account.

    Screens learn of the changes of an account under one number, which rises by one with each change. Before, each chat
    had a number, so a change wrote a row for each chat of the record. `chats.sequence` stays for the version before this
    one; its changes raise the number of the account, too.
*/

alter table accounts add column sequence bigint not null default 0;
comment on column accounts.sequence is 'The number of the last change of the account that screens were told of.';
update accounts a set sequence = c.sequence
from (select user_id, max(sequence) as sequence from chats group by user_id) c
where c.user_id = a.user_id;

create function raise_account_sequence() returns trigger language plpgsql as $$
begin
    update accounts set sequence = greatest(sequence + 1, new.sequence) where user_id = new.user_id;
    return null;
end
$$;
create trigger chats_raise_account_sequence after update of sequence on chats
    for each row when (new.sequence <> old.sequence) execute function raise_account_sequence();
