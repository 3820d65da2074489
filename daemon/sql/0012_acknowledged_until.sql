-- Until when somebody knows, in the event that says so.
CREATE OR REPLACE VIEW event_stream AS
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
       late,
       CASE WHEN kind = 'acknowledged' THEN
           (SELECT a.until_at FROM acknowledged_deadline x JOIN acknowledgement a ON a.id = x.acknowledgement_id
            WHERE x.deadline_id = transition.deadline_id AND x.noted_at = transition.recorded_at ORDER BY a.id DESC LIMIT 1)
       END                                      AS until
FROM transition;
