-- A silence: for a time nobody is mailed about the deadlines of a case, a unit or a rule. It is planned, has an author,
-- a reason and an end, is reported to the level above when it begins and when it ends, and what it hides is counted. The
-- clocks go on; what it hid and is not done is told with its end.
--
-- Other systems plan one through silence() and end it through end_silence(), as with acknowledge():
--     GRANT EXECUTE ON FUNCTION fristd_journal.silence, fristd_journal.end_silence TO …;
CREATE TABLE silence (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id     text COLLATE "C",         -- null: any
    unit        text,                     -- null: any; else cases of this unit (and of those below it: 0011)
    rule        text COLLATE "C",         -- id or code; null: any
    from_at     timestamptz NOT NULL,
    until_at    timestamptz NOT NULL CHECK (until_at > from_at),
    given_at    timestamptz NOT NULL,
    given_by    text NOT NULL,            -- a person id of the case database
    reason      text NOT NULL,            -- one of silence_reasons()
    note        text NOT NULL,            -- free text: it stays here
    ended_at    timestamptz,              -- by hand, before its time
    ended_by    text,
    look_at     timestamptz,              -- when its beginning or its end is to be reported; null: both are
    reported_at timestamptz,              -- that it began
    over_at     timestamptz,              -- that it ended
    CHECK (case_id IS NOT NULL OR unit IS NOT NULL OR rule IS NOT NULL)
);
CREATE INDEX silence_look ON silence (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX silence_holding ON silence (id) WHERE over_at IS NULL;

-- What it has hidden: a row for each time that a step of a deadline would have been told.
CREATE TABLE silenced_step (
    silence_id  bigint NOT NULL REFERENCES silence,
    deadline_id bigint NOT NULL,
    case_id     text COLLATE "C" NOT NULL,
    step_at     timestamptz NOT NULL,
    PRIMARY KEY (silence_id, deadline_id, step_at)
);
CREATE INDEX silenced_step_deadline ON silenced_step (deadline_id);

CREATE FUNCTION silence_reasons() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['migration', 'maintenance', 'holiday_closing', 'data_error', 'duplicate', 'agreed_plan', 'other']
$$;
ALTER TABLE silence ADD CHECK (reason = ANY (fristd_journal.silence_reasons()));

-- The deadlines that a silence of this kind covers now.
CREATE FUNCTION silenceable(case_id text, unit text, rule text) RETURNS SETOF deadline LANGUAGE sql STABLE
    SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    SELECT d.* FROM deadline d JOIN watched_case w ON w.case_id = d.case_id
     WHERE d.closed_at IS NULL AND ($1 IS NULL OR d.case_id = $1) AND ($2 IS NULL OR w.unit = $2)
       AND ($3 IS NULL OR $3 IN (d.rule, d.code))
$$;

-- Why silence() would refuse, in words; null: it would not.
CREATE FUNCTION silence_problem(case_id text, unit text, rule text, from_at timestamptz, until_at timestamptz,
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
        WHEN $2 IS NOT NULL AND NOT EXISTS (SELECT FROM watched_case w WHERE w.unit = $2)
            THEN 'no case with a deadline is of this unit'
        WHEN $3 IS NOT NULL AND NOT EXISTS (SELECT FROM deadline d WHERE $3 IN (d.rule, d.code))
            THEN 'no deadline has this rule'
    END
$$;

-- Returns the silence's number.
CREATE FUNCTION silence(case_id text, unit text, rule text, from_at timestamptz, until_at timestamptz, given_by text,
                        reason text, note text DEFAULT '', at timestamptz DEFAULT clock_timestamp())
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    problem text := silence_problem($1, $2, $3, $4, $5, $6, $7, $8, $9);
    number  bigint;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
    END IF;
    INSERT INTO silence (case_id, unit, rule, from_at, until_at, given_at, given_by, reason, note, look_at)
        VALUES ($1, $2, $3, date_trunc('second', $4), date_trunc('second', $5), date_trunc('second', $9), $6, $7,
                coalesce($8, ''), date_trunc('second', $4))
        RETURNING id INTO number;
    PERFORM pg_notify('fristd_journal', '');
    RETURN number;
END
$$;

CREATE FUNCTION end_silence_problem(number bigint, ended_by text) RETURNS text LANGUAGE sql STABLE
    SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN author_problem($2, '') IS NOT NULL THEN author_problem($2, '')
        WHEN NOT EXISTS (SELECT FROM silence WHERE id = $1) THEN 'there is no such silence'
        WHEN NOT EXISTS (SELECT FROM silence WHERE id = $1 AND ended_at IS NULL AND over_at IS NULL)
            THEN 'it has ended already'
    END
$$;

-- Ends one before its time; one that has not begun never does. The cases in which it hid something are looked at.
CREATE FUNCTION end_silence(number bigint, ended_by text, at timestamptz DEFAULT clock_timestamp())
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    problem text := end_silence_problem($1, $2);
    now_at  timestamptz := date_trunc('second', $3);
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
    END IF;
    UPDATE silence SET ended_at = now_at, ended_by = $2, look_at = now_at WHERE id = $1;
    UPDATE watched_case w SET wake_at = now_at
        WHERE w.case_id IN (SELECT case_id FROM silenced_step WHERE silence_id = $1)
          AND (w.wake_at IS NULL OR w.wake_at > now_at);
    PERFORM pg_notify('fristd_journal', '');
END
$$;

REVOKE ALL ON FUNCTION silence, end_silence FROM PUBLIC;
