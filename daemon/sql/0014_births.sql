-- When a child was born is told to nobody outside. Of which old rows that is true is found out by looking at all cases again.
ALTER TABLE deadline ADD COLUMN from_birth boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN deadline.from_birth IS 'anchor_at is a birth, or can be one: no message holds it';
ALTER TABLE transition ALTER anchor_at DROP NOT NULL;
COMMENT ON COLUMN transition.anchor_at IS 'null: it is a birth, or can be one';
DELETE FROM progress WHERE name = 'reconciled_on';
