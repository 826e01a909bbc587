-- What the request of a key asks for, however its body is written: so that a call of the library and a request over HTTP
-- with the same key and the same arguments are one. Rows of the version before have none, and are compared by their body.
alter table repeats add column arguments_hash bytea;
comment on column repeats.arguments_hash is
    'The SHA-256 of what is asked for, whether by the library or over HTTP; null if the request was refused before its body was read.';
