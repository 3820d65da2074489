-- The journal: what is known of each deadline, what has happened, who was told. Readable without the code.
-- Times are always handed in by the daemon; the server's clock is never asked.
-- Rows are written by one daemon at a time (it holds an advisory lock), which also hands out the numbers.

-- One row per run of a rule's clock on one matter of a case.
CREATE TABLE deadline (
    id            bigint PRIMARY KEY,
    case_id       text COLLATE "C" NOT NULL,
    rule          text COLLATE "C" NOT NULL,
    subject       text COLLATE "C" NOT NULL,       -- '' is the case as a whole
    occurrence    integer NOT NULL CHECK (occurrence > 0),
    valid_from    date NOT NULL,                   -- which version of the rule
    code          text NOT NULL,                   -- the neutral name
    rule_kind     text NOT NULL,
    sensitive     boolean NOT NULL,
    state         text NOT NULL CHECK (state IN ('open', 'breached', 'paused', 'met', 'late', 'missed', 'cancelled',
                                                 'lapsed', 'passed')),
    anchor_at     timestamptz NOT NULL,
    due_at        timestamptz,
    breached_at   timestamptz,
    closed_at     timestamptz,
    staged_until  timestamptz,                     -- every stage at or before it is dealt with, for this due
    next_stage_at timestamptz,
    attention     boolean NOT NULL,                -- its state stands on the broker
    changed_at    timestamptz NOT NULL,
    UNIQUE (case_id, rule, subject, occurrence)
);
CREATE INDEX deadline_attention ON deadline (id) WHERE attention;
CREATE INDEX deadline_open ON deadline (state, rule) WHERE closed_at IS NULL;

-- The timer wheel: when each case must be looked at again, and where it stood when it was looked at last.
CREATE TABLE watched_case (
    case_id    text COLLATE "C" PRIMARY KEY,
    unit       text NOT NULL,
    caseworker text NOT NULL,
    wake_at    timestamptz                         -- null: nothing will happen by itself
);
CREATE INDEX watched_case_wake ON watched_case (wake_at) WHERE wake_at IS NOT NULL;

-- Append only, numbered without gaps.
CREATE TABLE transition (
    number      bigint PRIMARY KEY,
    deadline_id bigint NOT NULL,                   -- outlives the deadline's row
    kind        text NOT NULL,
    at          timestamptz NOT NULL,              -- when it happened
    recorded_at timestamptz NOT NULL,              -- when it was written down
    case_id     text COLLATE "C" NOT NULL,
    rule        text COLLATE "C" NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    occurrence  integer NOT NULL,
    code        text NOT NULL,
    rule_kind   text NOT NULL,
    sensitive   boolean NOT NULL,
    unit        text NOT NULL,
    state       text NOT NULL,
    anchor_at   timestamptz NOT NULL,
    due_at      timestamptz,
    breached_at timestamptz,
    closed_at   timestamptz,
    late        boolean NOT NULL,                  -- a stage that was told after its time
    superseded  integer NOT NULL,                  -- earlier stages that passed untold
    missed_in_a_row integer NOT NULL,              -- of a series, this occurrence with those before it; else 0
    retained    text CHECK (retained IN ('set', 'clear')),
    derivation  text NOT NULL                      -- how the due came about, as it was known then; a line a step
);
CREATE INDEX transition_deadline ON transition (deadline_id, number);
CREATE INDEX transition_case ON transition (case_id, number);

-- One row per message to one person.
CREATE TABLE notice (
    id                bigint PRIMARY KEY,
    message_key       text COLLATE "C" NOT NULL UNIQUE, -- from what it is about and to whom; becomes the Message-ID
    purpose           text NOT NULL CHECK (purpose IN ('stage', 'backlog', 'operator', 'data_quality')),
    deadline_id       bigint,
    transition_number bigint REFERENCES transition,
    case_id           text COLLATE "C" NOT NULL,
    person_id         text NOT NULL,                    -- '' for an address of the configuration
    role              text NOT NULL,
    instead_of        text,                             -- the person who is away
    stage             integer,                          -- which step of the escalation
    stage_at          timestamptz,
    facts             text NOT NULL,                    -- counts or lines of a report; '' for a stage
    state             text NOT NULL CHECK (state IN ('pending', 'sent', 'deferred', 'abandoned')),
    attempts          integer NOT NULL,
    decided_at        timestamptz NOT NULL,
    next_attempt_at   timestamptz,                      -- null: none
    finished_at       timestamptz,
    last_reply        text NOT NULL
);
CREATE INDEX notice_waiting ON notice (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX notice_deadline ON notice (deadline_id) WHERE deadline_id IS NOT NULL;

-- What is wrong in the case database now.
CREATE TABLE data_fault (
    case_id       text COLLATE "C" NOT NULL,
    code          text COLLATE "C" NOT NULL,
    rule          text COLLATE "C" NOT NULL,
    subject       text COLLATE "C" NOT NULL,
    event_id      text COLLATE "C" NOT NULL,
    reason        text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, code, rule, subject, event_id)
);

-- What the daemon has to remember of itself.
CREATE TABLE progress (
    name  text PRIMARY KEY,                        -- cursor, rules, reconciled_at, published, fault_report
    value text NOT NULL
);
