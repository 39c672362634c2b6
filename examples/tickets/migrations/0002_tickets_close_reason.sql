-- depends: 0001_tickets
-- Why a ticket was closed. Empty while it is not, and where nobody said.

alter table tickets add column if not exists close_reason text not null default '';
