-- The tree of units as the daemon saw it last, so that a silence of a unit covers those below it. Kept here since who asks
-- what a silence would hide has the journal alone. The daemon itself goes by the case database; where a case's unit
-- stands above or below another one counts at the moment of each step, so a unit that is moved takes its cases along.
CREATE TABLE org_unit (
    name   text PRIMARY KEY,
    parent text NOT NULL                  -- '' at the top
);

-- A unit and all below it; a circle has an end.
CREATE FUNCTION units_below(top text) RETURNS SETOF text LANGUAGE sql STABLE
    SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    WITH RECURSIVE below (name) AS (
        SELECT $1 UNION SELECT u.name FROM org_unit u JOIN below b ON u.parent = b.name)
    SELECT name FROM below
$$;

CREATE OR REPLACE FUNCTION silenceable(case_id text, unit text, rule text) RETURNS SETOF deadline LANGUAGE sql STABLE
    SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    SELECT d.* FROM deadline d JOIN watched_case w ON w.case_id = d.case_id
     WHERE d.closed_at IS NULL AND ($1 IS NULL OR d.case_id = $1)
       AND ($2 IS NULL OR w.unit IN (SELECT units_below($2))) AND ($3 IS NULL OR $3 IN (d.rule, d.code))
$$;

CREATE OR REPLACE FUNCTION silence_problem(case_id text, unit text, rule text, from_at timestamptz, until_at timestamptz,
                                           given_by text, reason text, note text DEFAULT '',
                                           at timestamptz DEFAULT clock_timestamp())
    RETURNS text LANGUAGE sql STABLE SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN author_problem($6, $8) IS NOT NULL THEN author_problem($6, $8)
        WHEN $1 IS NULL AND $2 IS NULL AND $3 IS NULL THEN 'a silence is of a case, a unit or a rule'
        WHEN $4 IS NULL OR date_trunc('second', $4) < date_trunc('second', $9) - interval '1 minute'
            THEN 'it cannot begin in the past'
        WHEN $5 IS NULL OR date_trunc('second', $5) <= $4 OR $5 > $4 + interval '92 days'
            THEN 'it must end after it begins, and within 92 days'
        WHEN $7 IS NULL OR $7 <> ALL (silence_reasons())
            THEN 'the reason is one of ' || array_to_string(silence_reasons(), ', ')
                 || '; words of your own go into the note'
        WHEN $1 IS NOT NULL AND NOT EXISTS (SELECT FROM watched_case w WHERE w.case_id = $1)
            THEN 'this case has no deadline'
        WHEN $2 IS NOT NULL AND NOT EXISTS (SELECT FROM watched_case w WHERE w.unit IN (SELECT units_below($2)))
            THEN 'no case with a deadline is of this unit or of one below it'
        WHEN $3 IS NOT NULL AND NOT EXISTS (SELECT FROM deadline d WHERE $3 IN (d.rule, d.code))
            THEN 'no deadline has this rule'
    END
$$;

COMMENT ON COLUMN silence.unit IS 'null: any; else cases of this unit and of all below it';
