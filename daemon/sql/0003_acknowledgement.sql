-- An acknowledgement: somebody knows, and those who have been told are not told again until a date. It never stops
-- the clock, and a level that has not been told yet is told all the same.
--
-- Other systems give one through acknowledge(), which checks what it is given; the tables are the daemon's. Who may
-- is the administrator's to say:
--     GRANT USAGE ON SCHEMA fristd_journal TO …;
--     GRANT EXECUTE ON FUNCTION fristd_journal.acknowledge, fristd_journal.end_acknowledgement TO …;
CREATE TABLE acknowledgement (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id    text COLLATE "C" NOT NULL,
    rule       text COLLATE "C",          -- id or code as it was named; null: every rule
    subject    text COLLATE "C",          -- null: every subject
    given_at   timestamptz NOT NULL,
    until_at   timestamptz NOT NULL CHECK (until_at > given_at),
    given_by   text NOT NULL,             -- a person id of the case database
    reason     text NOT NULL,             -- one of acknowledgement_reasons()
    note       text NOT NULL,             -- free text: it stays here
    ended_at   timestamptz,               -- by hand, before its date
    ended_by   text
);
CREATE INDEX acknowledgement_case ON acknowledgement (case_id, id);

-- What it covers: the deadlines that were not closed when it was given. Of each the latest holds.
CREATE TABLE acknowledged_deadline (
    acknowledgement_id bigint NOT NULL REFERENCES acknowledgement,
    deadline_id        bigint NOT NULL,
    case_id            text COLLATE "C" NOT NULL,
    look_at            timestamptz,       -- since then it waits for the daemon to look; null: it has seen all
    noted_at           timestamptz,       -- the daemon wrote the transition `acknowledged`
    over_at            timestamptz,       -- it holds no longer, and the daemon has seen to it
    PRIMARY KEY (acknowledgement_id, deadline_id)
);
CREATE UNIQUE INDEX acknowledged_deadline_holding ON acknowledged_deadline (deadline_id) WHERE over_at IS NULL;
CREATE INDEX acknowledged_deadline_case ON acknowledged_deadline (case_id) WHERE over_at IS NULL;
CREATE INDEX acknowledged_deadline_look ON acknowledged_deadline (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX acknowledged_deadline_deadline ON acknowledged_deadline (deadline_id);

CREATE FUNCTION acknowledgement_reasons() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['in_progress', 'awaiting_citizen', 'awaiting_others', 'meeting_booked', 'registration_pending',
                 'data_error', 'no_capacity', 'other']
$$;
ALTER TABLE acknowledgement ADD CHECK (reason = ANY (fristd_journal.acknowledgement_reasons()));

-- What is wrong with somebody's id, which goes into mails, and with a note, which does not; null: nothing.
CREATE FUNCTION author_problem(person_id text, note text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN person_id IS NULL OR person_id !~ '^[^[:space:][:cntrl:]@,]{1,200}$'
                THEN 'who it is must be a person id of the case database: not a name, not an address'
                WHEN length(note) > 2000 THEN 'the note is longer than 2000 characters' END
$$;

-- The deadlines that an acknowledgement given now would cover.
CREATE FUNCTION acknowledgeable(case_id text, rule text, subject text) RETURNS SETOF deadline LANGUAGE sql STABLE
    SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    SELECT d.* FROM deadline d WHERE d.case_id = $1 AND d.closed_at IS NULL
       AND ($2 IS NULL OR $2 IN (d.rule, d.code)) AND ($3 IS NULL OR d.subject = $3)
$$;

-- Why acknowledge() would refuse, in words; null: it would not.
CREATE FUNCTION acknowledgement_problem(case_id text, until_at timestamptz, given_by text, reason text,
                                        rule text DEFAULT NULL, subject text DEFAULT NULL, note text DEFAULT '',
                                        at timestamptz DEFAULT clock_timestamp())
    RETURNS text LANGUAGE sql STABLE SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN author_problem($3, $7) IS NOT NULL THEN author_problem($3, $7)
        WHEN $2 IS NULL OR date_trunc('second', $2) <= $8 OR $2 > $8 + interval '1 year'
            THEN 'it must end later than now and within a year'
        WHEN $4 IS NULL OR $4 <> ALL (acknowledgement_reasons())
            THEN 'the reason is one of ' || array_to_string(acknowledgement_reasons(), ', ')
                 || '; words of your own go into the note'
        WHEN NOT EXISTS (SELECT FROM acknowledgeable($1, NULL, NULL))
            THEN 'this case has no deadline that is open'
        WHEN NOT EXISTS (SELECT FROM acknowledgeable($1, $5, $6))
            THEN 'nothing of this rule and subject is open; open in this case: '
                 || (SELECT string_agg(DISTINCT code, ', ') FROM acknowledgeable($1, NULL, NULL))
    END
$$;

-- Returns the acknowledgement's number. rule is an id or a code; null means all.
CREATE FUNCTION acknowledge(case_id text, until_at timestamptz, given_by text, reason text, rule text DEFAULT NULL,
                            subject text DEFAULT NULL, note text DEFAULT '', at timestamptz DEFAULT clock_timestamp())
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    problem text := acknowledgement_problem($1, $2, $3, $4, $5, $6, $7, $8);
    now_at  timestamptz := date_trunc('second', $8); -- the daemon counts whole seconds
    covered bigint[];
    number  bigint;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
    END IF;
    covered := ARRAY(SELECT id FROM acknowledgeable($1, $5, $6));
    INSERT INTO acknowledgement (case_id, rule, subject, given_at, until_at, given_by, reason, note)
        VALUES ($1, $5, $6, now_at, date_trunc('second', $2), $3, $4, coalesce($7, '')) RETURNING id INTO number;
    UPDATE acknowledged_deadline SET over_at = now_at, look_at = NULL
        WHERE deadline_id = ANY (covered) AND over_at IS NULL;
    INSERT INTO acknowledged_deadline (acknowledgement_id, deadline_id, case_id, look_at)
        SELECT number, deadline, $1, now_at FROM unnest(covered) AS deadline;
    PERFORM pg_notify('fristd_journal', '');
    RETURN number;
END
$$;

-- Why end_acknowledgement() would refuse; null: it would not.
CREATE FUNCTION end_acknowledgement_problem(number bigint, ended_by text) RETURNS text LANGUAGE sql STABLE
    SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN author_problem($2, '') IS NOT NULL THEN author_problem($2, '')
        WHEN NOT EXISTS (SELECT FROM acknowledgement WHERE id = $1) THEN 'there is no such acknowledgement'
        WHEN NOT EXISTS (SELECT FROM acknowledgement a JOIN acknowledged_deadline x ON x.acknowledgement_id = a.id
                         WHERE a.id = $1 AND a.ended_at IS NULL AND x.over_at IS NULL) THEN 'it has ended already'
    END
$$;

-- Ends one before its date: what it held back is told.
CREATE FUNCTION end_acknowledgement(number bigint, ended_by text, at timestamptz DEFAULT clock_timestamp())
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    problem text := end_acknowledgement_problem($1, $2);
    now_at  timestamptz := date_trunc('second', $3);
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
    END IF;
    UPDATE acknowledgement SET ended_at = greatest(now_at, given_at), ended_by = $2 WHERE id = $1;
    UPDATE acknowledged_deadline SET look_at = now_at WHERE acknowledgement_id = $1 AND over_at IS NULL;
    PERFORM pg_notify('fristd_journal', '');
END
$$;

REVOKE ALL ON FUNCTION acknowledge, end_acknowledgement FROM PUBLIC;
