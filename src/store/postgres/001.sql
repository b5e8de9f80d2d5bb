-- What a workspace is made of. Times are the database's. Records are kept as the text they have in the
-- files, so that nothing is lost on the way there and back; columns beside them are for SQL. Pages of what is changed
-- often have room, so that a change stays in its page and touches no index.
CREATE SCHEMA work;

CREATE TABLE work.migrations (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE work.workspaces (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    current_workstream text,
    -- agents.yaml; null: there is none.
    roster text,
    -- index.json without current_stream and streams.
    rest json NOT NULL
);

CREATE TABLE work.workstreams (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace bigint NOT NULL REFERENCES work.workspaces ON DELETE CASCADE,
    id text NOT NULL,
    -- Where it stands in index.json.
    position integer NOT NULL,
    -- Its record of index.json, approvals included; null: there is none.
    entry json,
    plan text NOT NULL,
    plan_hash text NOT NULL,
    -- The plan as it was when a person approved it.
    approved_plan text,
    -- threads.json without threads and cycles, and its records that are of no thread.
    rest json NOT NULL,
    strays json NOT NULL,
    -- Grows with every change, also of the roster, of which workstreams there are, and of the tables; a row below
    -- has the one of its last change.
    revision bigint NOT NULL DEFAULT 1,
    -- Another one with every revision: after a restore a revision can come again.
    stamp uuid NOT NULL DEFAULT gen_random_uuid(),
    -- Grows when all threads and cycles are replaced.
    generation bigint NOT NULL DEFAULT 1,
    UNIQUE (workspace, id)
) WITH (fillfactor = 70);

CREATE TABLE work.threads (
    workstream bigint NOT NULL REFERENCES work.workstreams ON DELETE CASCADE,
    stage smallint NOT NULL,
    batch smallint NOT NULL,
    thread smallint NOT NULL,
    status text NOT NULL,
    revision bigint NOT NULL,
    record json NOT NULL,
    PRIMARY KEY (workstream, stage, batch, thread)
) WITH (fillfactor = 70);

CREATE TABLE work.cycles (
    workstream bigint NOT NULL REFERENCES work.workstreams ON DELETE CASCADE,
    -- Its place among all cycles of the workstream, from 0.
    position integer NOT NULL,
    batch text NOT NULL,
    number integer NOT NULL,
    open boolean NOT NULL,
    holder uuid,
    revision bigint NOT NULL,
    record json NOT NULL,
    PRIMARY KEY (workstream, position)
);
CREATE UNIQUE INDEX one_open_cycle ON work.cycles (workstream) WHERE open;

-- Who did what when. Only ever added to.
CREATE TABLE work.events (
    -- No foreign key: what happened stays when a workstream goes.
    workstream bigint NOT NULL,
    -- The one that the workstream has since then.
    revision bigint NOT NULL,
    -- Its place among the events of the revision, from 1.
    place integer NOT NULL,
    -- The stamp of the revision; by it a client whose connection broke finds out what became of its commit.
    commit uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    client inet DEFAULT inet_client_addr(),
    event json NOT NULL,
    PRIMARY KEY (workstream, revision, place)
);

-- The server processes that hold something, as long as they say that they live.
CREATE TABLE work.servers (
    id uuid PRIMARY KEY,
    client inet DEFAULT inet_client_addr(),
    lease_until timestamptz NOT NULL
);

CREATE VIEW work.attempts AS
SELECT t.workstream, t.stage, t.batch, t.thread,
       (s.value ->> 'attempt')::integer AS number,
       s.value ->> 'agentName' AS agent,
       s.value ->> 'status' AS status,
       (s.value ->> 'cycle')::integer AS cycle,
       s.value ->> 'server' AS server,
       s.value ->> 'startedAt' AS started_at,
       s.value ->> 'completedAt' AS completed_at,
       s.value ->> 'report' AS report
FROM work.threads t, json_array_elements(
    CASE json_typeof(t.record -> 'sessions') WHEN 'array' THEN t.record -> 'sessions' ELSE '[]' END) s;

CREATE VIEW work.approvals AS
SELECT key AS workstream, NULL::text AS stage,
       entry -> 'approval' ->> 'status' AS status,
       entry -> 'approval' ->> 'approved_by' AS approved_by,
       entry -> 'approval' ->> 'approved_at' AS approved_at,
       entry -> 'approval' ->> 'plan_hash' AS plan_hash
FROM work.workstreams
UNION ALL
SELECT w.key, s.key, s.value ->> 'status', s.value ->> 'approved_by', s.value ->> 'approved_at', NULL
FROM work.workstreams w, json_each(
    CASE json_typeof(w.entry -> 'approval' -> 'stages') WHEN 'object' THEN w.entry -> 'approval' -> 'stages' ELSE '{}' END) s;
