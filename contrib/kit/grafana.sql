-- The role as which Grafana (grafana.json) reads the journal. Run it in the journal's database as its owner or a superuser,
-- after fristd has run once; then: \password grafana
-- Who was mailed is not among it: the columns of notice that name a person stay closed.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana') THEN
        CREATE ROLE grafana LOGIN;
    END IF;
END
$$;
-- A question that takes long must not hold up the journal.
ALTER ROLE grafana SET statement_timeout = '20s';
ALTER ROLE grafana SET default_transaction_read_only = on;
GRANT USAGE ON SCHEMA fristd_journal TO grafana;
GRANT SELECT ON fristd_journal.deadline, fristd_journal.transition, fristd_journal.data_fault, fristd_journal.progress TO grafana;
GRANT SELECT (case_id, unit) ON fristd_journal.watched_case TO grafana;
GRANT SELECT (id, purpose, deadline_id, transition_number, state, attempts, decided_at, may_go_at, finished_at)
    ON fristd_journal.notice TO grafana;
GRANT SELECT (id) ON fristd_journal.unfinished_notice TO grafana;
