/*
    Up to which message each party has read a chat.

    The columns are added without a default, and get the default afterwards. So in chats that exist already they are null,
    which counts as everything read, and new chats begin at 0, also those that the version before this one makes.
*/

alter table chats
    add column user_read bigint,
    add column advisor_read bigint;
alter table chats
    alter column user_read set default 0,
    alter column advisor_read set default 0;
comment on column chats.user_read is 'The position of the last message that the user has read; null counts as all.';
comment on column chats.advisor_read is 'The position of the last message that the advisor has read; null counts as all.';
