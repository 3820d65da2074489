-- SPDX-License-Identifier: MPL-2.0
-- The role that fristd reads the case database with: it may read the five views of the contract and nothing else.
-- Run it as an administrator in the case database, after contract.sql. How it logs in is the administrator's to
-- decide: a certificate, peer, or ALTER ROLE fristd_laeser PASSWORD '…'.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fristd_laeser') THEN
        CREATE ROLE fristd_laeser LOGIN;
    END IF;
    -- Also what is granted to everybody in this database is not for writing.
    EXECUTE format('ALTER ROLE fristd_laeser IN DATABASE %I SET default_transaction_read_only = on',
                   current_database());
END
$$;

ALTER ROLE fristd_laeser NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 6;
-- A daemon that stands still must not hold up VACUUM for ever. It may wait long between two batches of a large
-- reading, when the mail it writes down is slow to be committed.
ALTER ROLE fristd_laeser SET idle_in_transaction_session_timeout = '10min';
-- It gives way: whoever alters a table does not wait behind a reader that waits.
ALTER ROLE fristd_laeser SET lock_timeout = '30s';

GRANT USAGE ON SCHEMA fristd TO fristd_laeser;
GRANT SELECT ON fristd.cases, fristd.events, fristd.people, fristd.units, fristd.changes TO fristd_laeser;
