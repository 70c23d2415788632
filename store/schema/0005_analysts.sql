-- Roles of the database that were let in to what analysts see ({company}_reporting), and how: `redress migrate` grants
-- it again where it got lost.
create table {company}.analysts (
    role text primary key,
    timeout integer not null,                   -- seconds after which a statement is cut off
    with_log boolean not null                   -- also the view `events`
);
