-- without a transaction
/*
    All backends are one caller: a repeat by another backend is found, too. A row keeps the name of the backend that sent
    the request first, as in the version before this one, which finds only the rows of the same name. So both versions
    find what the other has kept for a backend.
*/
drop index concurrently if exists repeats_of_backends;
create index concurrently repeats_of_backends on repeats (method, path, key) where caller like 'service:%';
