/*
    What the role of a service needs: to read, and to write rows. It can change no table, no function and no rule.

    The role is in the setting `talktime.grantee`. Facts that are only ever added (entries, tariffs, outages) can't be
    changed or removed by the role, and triggers refuse that to everybody.
*/

do $$
declare
    grantee text := quote_ident(current_setting('talktime.grantee'));
    name text;
    refuses_update boolean;
    refuses_delete boolean;
begin
    -- To grant what one does not own is only a warning.
    if not (select pg_has_role(relowner, 'usage') from pg_class where oid = 'talktime.accounts'::regclass) then
        raise exception 'the tables belong to another role' using errcode = 'insufficient_privilege';
    end if;
    execute format('grant usage on schema talktime to %s', grantee);
    execute format('grant select on all tables in schema talktime to %s', grantee);
    execute format('grant select on all sequences in schema talktime to %s', grantee);
    execute format('grant execute on all functions in schema talktime to %s', grantee);
    for name in select c.relname from pg_class c where c.relnamespace = 'talktime'::regnamespace and c.relkind = 'r' loop
        continue when name = 'alembic_version';
        execute format('grant insert on talktime.%I to %s', name, grantee);
        -- A trigger that refuses changes may allow to delete rows: bit 3 of its type is for delete.
        select coalesce(bool_or(true), false), coalesce(bool_or(t.tgtype & 8 <> 0), false)
        into refuses_update, refuses_delete
        from pg_trigger t
        where t.tgrelid = format('talktime.%I', name)::regclass and t.tgfoid = 'talktime.refuse_change'::regproc;
        if refuses_update then
            execute format('revoke update, truncate on talktime.%I from %s', name, grantee);
        else
            execute format('grant update on talktime.%I to %s', name, grantee);
        end if;
        if refuses_delete then
            execute format('revoke delete on talktime.%I from %s', name, grantee);
        else
            execute format('grant delete on talktime.%I to %s', name, grantee);
        end if;
    end loop;
end
$$;
