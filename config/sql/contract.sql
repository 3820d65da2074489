-- SPDX-License-Identifier: MPL-2.0
-- The contract between a case system and fristd (DESIGN, section 3): five views in a schema of their own. This is all
-- that fristd reads. Write them over your own tables; these are written over those of example.sql.
--
-- Rules for every view:
-- - No name, no CPR number, no free text. Keys of the case system say who and what is meant.
-- - Ids, kinds, types and units are text of at most 200 bytes without control characters.
-- - Where a source cannot be relied on, occurred_at, due_on, away_from and away_until may be text as well
--   (ISO 8601): then one impossible date is a fault of that row. A cast in the view would stop the query.
-- - Let case_id be indexed in bytewise order (COLLATE "C"), both in cases and in events: then everything is read in
--   the order of an index and nothing is sorted.
-- - A view runs with the rights of its owner, so the reader needs none on the tables (role.sql).

CREATE SCHEMA fristd;

-- One row for each case, closed ones too (that a case was closed is an event). unit may be empty, but then
-- nobody but the caseworker can be told, which is reported as a fault in the data.
CREATE VIEW fristd.cases AS
SELECT sagsnr AS case_id,
       sagstype AS case_type,
       enhed AS unit,
       sagsbehandler AS caseworker -- a person_id; NULL: none
FROM fagsystem.sag;

-- Everything that has happened and that a rule may speak of. subject: what it is about within the case; NULL or '':
-- the case as a whole. due_on: a date that the event itself sets, else NULL. event_id is unique within its case.
-- A birthday is an event.
CREATE VIEW fristd.events AS
SELECT haendelse::text AS event_id, sagsnr AS case_id, emne AS subject, art AS kind, tidspunkt AS occurred_at,
       frist AS due_on
FROM fagsystem.haendelse
UNION ALL
SELECT 'foedt-' || barn, sagsnr, barn, 'barn.foedt', foedt::timestamp AT TIME ZONE 'Europe/Copenhagen', NULL
FROM fagsystem.barn;

-- One row for each person and function; role is as the escalations name it. Whoever is a caseworker needs no
-- function to be told about his own cases. The absence that is running or comes next.
CREATE VIEW fristd.people AS
SELECT m.medarbejder AS person_id,
       m.email,
       f.enhed AS unit,
       CASE f.funktion
           WHEN 'sagsbehandler' THEN 'caseworker'
           WHEN 'teamleder' THEN 'team_leader'
           WHEN 'afdelingsleder' THEN 'department_head'
           WHEN 'centerchef' THEN 'centre_head'
       END AS role,
       v.fra AS away_from,  -- the first day away
       v.til AS away_until, -- the last; NULL: until further notice
       v.stedfortraeder AS substitute
FROM fagsystem.medarbejder m
LEFT JOIN fagsystem.funktion f USING (medarbejder)
LEFT JOIN LATERAL (
    SELECT fra, til, stedfortraeder
    FROM fagsystem.fravaer
    WHERE fravaer.medarbejder = m.medarbejder AND (til IS NULL OR til >= CURRENT_DATE)
    ORDER BY fra
    LIMIT 1
) v ON true;

CREATE VIEW fristd.units AS
SELECT enhed AS unit, overenhed AS parent FROM fagsystem.enhed;

-- Which cases a transaction has touched, deleted ones too. fristd asks for `changed >=` the oldest transaction that was
-- still running when it last looked (pg_snapshot_xmin), so none that commits late is missed, and some cases are
-- read twice. A database that was restored elsewhere counts transactions anew; fristd notices and reads all that is
-- listed here. Let `changed` be indexed.
--
-- Where the case system cannot stamp transactions, a time is the second choice: configure
--   cursor:  SELECT (now() - interval '15 minutes')::text
--   changes: SELECT case_id FROM fristd.changes WHERE changed >= $1::timestamptz
-- with `changed` a timestamptz. The overlap must be longer than any writing transaction; what commits later than
-- that is found only by the nightly reconciliation, which reads all.
CREATE VIEW fristd.changes AS
SELECT sagsnr AS case_id, aendret AS changed FROM fagsystem.aendring;
