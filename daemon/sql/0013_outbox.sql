-- The mails that are still to be sent, by the notice that carries them; a row goes when its mail has gone or is given up.
-- It stands beside `notice` so that what becomes of a mail changes no indexed column there: the new version of the row then
-- goes into the room left on its page, and no index is touched.
CREATE TABLE outbox (
    id              bigint PRIMARY KEY,          -- of the notice
    next_attempt_at timestamptz NOT NULL,
    tried           boolean NOT NULL DEFAULT false -- and not taken: its cases are looked at before it is tried again
);
CREATE INDEX outbox_next ON outbox (next_attempt_at, id);
CREATE INDEX outbox_tried ON outbox (next_attempt_at) WHERE tried;
INSERT INTO outbox SELECT id, next_attempt_at, attempts > 0 FROM notice
    WHERE next_attempt_at IS NOT NULL AND carried_by IS NOT NULL;

UPDATE notice SET next_attempt_at = NULL WHERE next_attempt_at IS NOT NULL AND carried_by IS NOT NULL;
ALTER TABLE notice RENAME next_attempt_at TO may_go_at;
COMMENT ON COLUMN notice.may_go_at IS 'into a mail; null: it is in one';
DROP INDEX notice_waiting;
DROP INDEX notice_parts;
DROP INDEX notice_unfinished;
ALTER TABLE notice SET (fillfactor = 50);

CREATE VIEW unfinished_notice AS
SELECT * FROM notice WHERE carried_by IS NULL
UNION ALL
SELECT n.* FROM outbox b JOIN notice n ON n.carried_by = b.id WHERE n.finished_at IS NULL;
