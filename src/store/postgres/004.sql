-- The results of an attempt's checks: the latest ones, and how often they failed after it was reported as completed.
CREATE OR REPLACE VIEW work.attempts AS
SELECT t.workstream_id, t.stage, t.batch, t.thread,
       (s.value ->> 'attempt')::integer AS number,
       s.value ->> 'agentName' AS agent,
       s.value ->> 'status' AS status,
       (s.value ->> 'cycle')::integer AS cycle,
       s.value ->> 'server' AS server,
       s.value ->> 'startedAt' AS started_at,
       s.value ->> 'completedAt' AS completed_at,
       s.value ->> 'report' AS report,
       s.value -> 'checks' AS checks,
       coalesce((s.value ->> 'failedChecks')::integer, 0) AS failed_checks
FROM work.threads t, json_array_elements(
    CASE json_typeof(t.record -> 'sessions') WHEN 'array' THEN t.record -> 'sessions' ELSE '[]' END) s;
