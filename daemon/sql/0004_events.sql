-- What of ours is retained on the broker, as it was published; a topic is written down before it is used, and struck
-- out when the broker has acknowledged that it is cleared. So that a renamed code leaves nothing behind.
CREATE TABLE retained_topic (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL UNIQUE
);
-- Which deadlines need attention on one topic.
CREATE INDEX deadline_attention_topic ON deadline (case_id, code, subject) WHERE attention;

-- The stream of events for other systems, with the names of the MQTT payload; one row an event, numbered without
-- gaps. Never the rule's name: it can itself tell something about a child.
CREATE VIEW event_stream AS
SELECT number                                   AS sequence,
       'dk.fristd.deadline.' || kind || '.v1'   AS type,
       at                                       AS time,
       recorded_at                              AS recordedtime,
       code,
       rule_kind                                AS kind,
       case_id                                  AS "case",
       subject,
       occurrence,
       unit,
       state,
       anchor_at                                AS anchor,
       due_at                                   AS due,
       breached_at                              AS breached,
       closed_at                                AS closed,
       late
FROM transition;
COMMENT ON VIEW event_stream IS
    'The events published over MQTT: contrib/subscribers.md. Read on with WHERE sequence > … ORDER BY sequence.';
