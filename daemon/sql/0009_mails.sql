-- Several notices to one person can go in one mail. One of them carries it: its message_key becomes the Message-ID, and
-- its next_attempt_at and attempts are those of the mail. Forming a mail is a decision like any other, written down before
-- anything is sent, so that after a crash the same notices go again under the same Message-ID.
ALTER TABLE notice
    ADD COLUMN urgent boolean NOT NULL DEFAULT false,  -- is not held back by hours or bounds
    ADD COLUMN held_by text CHECK (held_by IN ('hours', 'bound')), -- why it did not go at once; null: it did
    ADD COLUMN carried_by bigint,                      -- the one that carries it, or itself; null: in no mail yet
    ADD COLUMN formed_at timestamptz;                  -- when that was decided
UPDATE notice SET carried_by = id, formed_at = decided_at;
ALTER TABLE notice DROP CONSTRAINT notice_purpose_check;
ALTER TABLE notice ADD CONSTRAINT notice_purpose_check
    CHECK (purpose IN ('stage', 'follow_up', 'backlog', 'report', 'operator', 'data_quality'));
DROP INDEX notice_waiting;
CREATE INDEX notice_waiting ON notice (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL AND carried_by IS NOT NULL;
CREATE INDEX notice_loose ON notice (next_attempt_at, person_id) WHERE carried_by IS NULL;
CREATE INDEX notice_carried ON notice (carried_by);
CREATE INDEX notice_parts ON notice (carried_by) WHERE finished_at IS NULL AND id <> carried_by; -- still to be told beside the carrier
CREATE INDEX notice_mail ON notice (person_id, formed_at) WHERE carried_by = id; -- how many mails somebody got
CREATE INDEX notice_urgent ON notice (person_id, decided_at) WHERE urgent;       -- how many urgent ones of late
CREATE INDEX notice_unfinished ON notice (decided_at) WHERE finished_at IS NULL;
