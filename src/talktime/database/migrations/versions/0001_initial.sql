-- The schema `talktime` itself is made before its first revision, because the list of revisions is kept in it.
comment on schema talktime is 'The meter for paid conversations.';
