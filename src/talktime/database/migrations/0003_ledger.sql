/*
    The ledger has two sides, shares, gifts and refunds.

    Each row of `entries` moves credit between three: the user (`amount`), the advisor (`advisor_amount`) and the platform
    (`platform_amount`), and what one gets the others give. The platform's part is computed by the database itself, so no
    row can be written that does not balance, by this program or by the one before it, whose rows know no advisor: all of
    theirs is the platform's. `postings` is the same with one line a side, and names the platform's books.

    kind       user  advisor  platform
    purchase    +              −         outside: money came in for it
    gift        +              −         promotion
    debit       −              +         outside: it was spent elsewhere
    expiry      −              +         promotion: a gift goes back
    charge      −     +        +         revenue; what of it are fees is in `fees`
    share       0     ±        ±         revenue: fees that go on while the price stands still
    refund      +     −        −         revenue; without a record: outside

    Terms are an advisor's, and copied onto the record at its start: what held then holds to its end.
*/

alter table advisors
    add column share_ppm int not null default 0 check (share_ppm between 0 and 1000000),
    add column fee_per_minute bigint not null default 0 check (fee_per_minute >= 0),
    add column fee_per_session bigint not null default 0 check (fee_per_session >= 0);
comment on column advisors.share_ppm is 'The advisor''s share of what is left after the fees, in parts per million.';

alter table records
    add column share_ppm int not null default 0,
    add column fee_per_minute bigint not null default 0,
    add column fee_per_session bigint not null default 0,
    add column earned bigint not null default 0 check (earned >= 0);
comment on column records.earned is 'What of `charged` is the advisor''s; refunds apart.';

alter table accounts add column gifts jsonb not null default '[]';
comment on column accounts.gifts is
    'What is left of gifts, as [amount, expires_at in ms or null], in the order in which they are spent.';

alter table entries
    drop constraint entries_amount_check,
    drop constraint entries_kind_check,
    drop constraint entries_check,
    add column advisor_id text collate "C",
    add column advisor_amount bigint not null default 0,
    add column platform_amount bigint not null generated always as (-(amount + advisor_amount)) stored,
    add column fees bigint not null default 0,
    add column gift_amount bigint not null default 0,
    add column expires_at timestamptz,
    add column reason text,
    add column borne_by text check (borne_by in ('platform', 'advisor', 'shared')),
    add column refunded_ms bigint check (refunded_ms > 0),
    add constraint entries_kind check (kind in ('purchase', 'gift', 'refund', 'debit', 'charge', 'expiry', 'share')),
    add constraint entries_sign check (
        case when kind in ('debit', 'charge', 'expiry') then amount < 0 when kind = 'share' then amount = 0 else amount > 0 end
    ),
    add constraint entries_balance check (amount + advisor_amount + platform_amount = 0),
    add constraint entries_share_of_record check (kind <> 'share' or record_id is not null),
    add constraint entries_advisor check (advisor_amount = 0 or (advisor_id is not null and record_id is not null)),
    add constraint entries_gift check (gift_amount between least(amount, 0) and greatest(amount, 0)),
    add constraint entries_expiry check (kind <> 'expiry' or gift_amount = amount),
    add constraint entries_expires check (expires_at is null or kind in ('gift', 'expiry')),
    add constraint entries_reason check (
        case when kind = 'refund' and record_id is not null then reason is not null and borne_by is not null
        else reason is null and borne_by is null and refunded_ms is null end
    );
comment on column entries.gift_amount is 'What of `amount` was given, not bought.';
comment on column entries.fees is 'What of `platform_amount` are fees, taken before the split.';
comment on column entries.refunded_ms is 'The time that was given back, of a refund by time.';

create index entries_advisor on entries (advisor_id, at) where advisor_id is not null;
create index entries_at on entries using brin (at);

create view postings as
select entry_id, at, kind, record_id, 'user' as book, user_id as owner, amount from entries where amount <> 0
union all
select entry_id, at, kind, record_id, 'advisor', advisor_id, advisor_amount from entries where advisor_amount <> 0
union all
select entry_id, at, kind, record_id,
    case when kind in ('gift', 'expiry') then 'promotion' when record_id is null then 'outside' else 'revenue' end,
    'platform', platform_amount
from entries where platform_amount <> 0;
comment on view postings is 'The ledger with one line a side: whose book, how much. The lines of an entry add up to nothing.';
