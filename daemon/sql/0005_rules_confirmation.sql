-- A change of the rules that moves open deadlines is taken by a running service only when somebody has agreed to it
-- (`fristd compare`). A start takes what is configured, and says what moved.
CREATE TABLE rules_confirmation (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint  text COLLATE "C" NOT NULL,   -- of the changed rules, with the calendars
    confirmed_at timestamptz NOT NULL,
    confirmed_by text NOT NULL,               -- a person id
    taken_at     timestamptz                  -- the service has taken these rules: it holds no longer
);
CREATE INDEX rules_confirmation_holding ON rules_confirmation (fingerprint) WHERE taken_at IS NULL;

-- Why confirm_rules() would refuse, in words; null: it would not.
CREATE FUNCTION rules_confirmation_problem(fingerprint text, confirmed_by text) RETURNS text LANGUAGE sql STABLE
    SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
    SELECT CASE WHEN author_problem($2, '') IS NOT NULL THEN author_problem($2, '')
                WHEN $1 IS NULL OR $1 !~ '^[0-9a-f]{32}$' THEN 'a fingerprint is 32 of 0-9 and a-f'
                WHEN $1 = (SELECT value FROM progress WHERE name = 'rules') THEN 'these rules are in force already' END
$$;

CREATE FUNCTION confirm_rules(fingerprint text, confirmed_by text, at timestamptz DEFAULT clock_timestamp())
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
DECLARE
    problem text := rules_confirmation_problem($1, $2);
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
    END IF;
    INSERT INTO rules_confirmation (fingerprint, confirmed_at, confirmed_by) VALUES ($1, date_trunc('second', $3), $2);
END
$$;

REVOKE ALL ON FUNCTION confirm_rules FROM PUBLIC;
