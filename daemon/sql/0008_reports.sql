-- Reports: each time that one was due is a row, and stays one. The row that waits is the next; there is one for each
-- report of the configuration, beside those that somebody has asked for.
CREATE TABLE report_run (
    report      text COLLATE "C" NOT NULL,
    due_at      timestamptz NOT NULL,
    state       text NOT NULL CHECK (state IN (
                    'waiting',
                    'decided',     -- its mails are written down
                    'sent',        -- all of them were delivered, or there was nothing to send
                    'failed',      -- somebody did not get his: the next level and the operators were told
                    'superseded',  -- passed while the service was down, and a later one was sent
                    'dropped')),   -- the report is no longer configured, or asks for another time
    recurrence  text,              -- when it comes, as configured then; null: somebody asked for it
    decided_at  timestamptz,
    late        boolean NOT NULL DEFAULT false,
    finished_at timestamptz,
    PRIMARY KEY (report, due_at)
);
CREATE INDEX report_run_waiting ON report_run (due_at) WHERE state = 'waiting';
CREATE INDEX report_run_decided ON report_run (due_at) WHERE state = 'decided';

-- Whose report it was, and the mail that carried it.
CREATE TABLE report_recipient (
    report      text COLLATE "C" NOT NULL,
    due_at      timestamptz NOT NULL,
    person_id   text NOT NULL,             -- whose it is, also where a substitute gets it
    role        text NOT NULL,
    message_key text COLLATE "C",          -- of the notice; null: nobody could be found to send it to
    PRIMARY KEY (report, due_at, person_id),
    FOREIGN KEY (report, due_at) REFERENCES report_run
);

-- What was counted, by the unit of the case; the next report is compared with it.
CREATE TABLE report_count (
    report text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL,
    unit   text NOT NULL,
    name   text NOT NULL,
    count  integer NOT NULL,
    PRIMARY KEY (report, due_at, unit, name),
    FOREIGN KEY (report, due_at) REFERENCES report_run
);

ALTER TABLE notice DROP CONSTRAINT notice_purpose_check,
    ADD CONSTRAINT notice_purpose_check CHECK (purpose IN ('stage', 'backlog', 'operator', 'data_quality', 'report'));

-- Has one made and sent now, beside those that come by themselves. False: it is under way already.
CREATE FUNCTION request_report(report text, at timestamptz DEFAULT clock_timestamp()) RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = fristd_journal, pg_catalog, pg_temp AS $$
DECLARE
    made integer;
BEGIN
    INSERT INTO report_run (report, due_at, state) VALUES ($1, date_trunc('second', $2), 'waiting')
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    PERFORM pg_notify('fristd_journal', '');
    RETURN made > 0;
END
$$;
REVOKE ALL ON FUNCTION request_report FROM PUBLIC;
