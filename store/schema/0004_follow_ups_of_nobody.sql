-- Where the customer has no active collector and a program plans the action, nobody owns it: it stands in the
-- credit manager's agenda.
alter table {company}.follow_up_states alter column owner_id drop not null;
