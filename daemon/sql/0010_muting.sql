-- Steps that a larger problem of the case has muted (`muted_by` of a rule): noted, and not told to anybody. A row is over
-- when it is told after all, since the larger problem is done, or when there is nothing left to tell.
CREATE TABLE muted_step (
    deadline_id   bigint NOT NULL,
    case_id       text COLLATE "C" NOT NULL,
    step_at       timestamptz NOT NULL,
    muted_at      timestamptz NOT NULL,
    by_rule       text COLLATE "C" NOT NULL,       -- the larger problem, a deadline of the same case
    by_code       text NOT NULL,
    by_subject    text COLLATE "C" NOT NULL,
    by_occurrence integer NOT NULL,
    over_at       timestamptz,
    PRIMARY KEY (deadline_id, step_at)
);
CREATE INDEX muted_step_waiting ON muted_step (case_id, deadline_id) WHERE over_at IS NULL;
