-- Gives columns names that say what they hold, and adds checks of values that no release of `work` writes.
ALTER TABLE work.workspaces RENAME COLUMN key TO workspace_id;
ALTER TABLE work.workstreams RENAME COLUMN key TO workstream_id;
ALTER TABLE work.workstreams RENAME COLUMN workspace TO workspace_id;
ALTER TABLE work.workstreams RENAME COLUMN id TO stream_id;
ALTER TABLE work.workstreams RENAME COLUMN strays TO unrecognized;
ALTER TABLE work.threads RENAME COLUMN workstream TO workstream_id;
ALTER TABLE work.cycles RENAME COLUMN workstream TO workstream_id;
ALTER TABLE work.cycles RENAME COLUMN open TO is_open;
ALTER TABLE work.events RENAME COLUMN workstream TO workstream_id;
ALTER TABLE work.events RENAME COLUMN place TO ordinal;
ALTER TABLE work.events RENAME COLUMN commit TO commit_id;
ALTER TABLE work.events RENAME COLUMN at TO recorded_at;
ALTER VIEW work.attempts RENAME COLUMN workstream TO workstream_id;
ALTER VIEW work.approvals RENAME COLUMN workstream TO workstream_id;

ALTER TABLE work.workstreams
    ADD CONSTRAINT revision_counts_from_1 CHECK (revision >= 1),
    ADD CONSTRAINT generation_counts_from_1 CHECK (generation >= 1),
    ADD CONSTRAINT plan_hash_is_sha256 CHECK (plan_hash ~ '^[0-9a-f]{64}$');
ALTER TABLE work.threads
    ADD CONSTRAINT numbers_have_three_digits
        CHECK (stage BETWEEN 0 AND 999 AND batch BETWEEN 0 AND 999 AND thread BETWEEN 0 AND 999),
    ADD CONSTRAINT status_is_known
        CHECK (status IN ('pending', 'in_progress', 'completed', 'blocked', 'cancelled'));
ALTER TABLE work.cycles
    ADD CONSTRAINT position_counts_from_0 CHECK (position >= 0),
    ADD CONSTRAINT number_counts_from_0 CHECK (number >= 0),
    ADD CONSTRAINT only_an_open_cycle_is_held CHECK (is_open OR holder IS NULL);
ALTER TABLE work.events
    ADD CONSTRAINT ordinal_counts_from_1 CHECK (ordinal >= 1);

-- `work store prune` removes events by their time.
CREATE INDEX events_by_time ON work.events (recorded_at);

-- `needs` is the version that a program must know at least to use the tables. A program accepts newer tables if the
-- largest `needs` is not above the version that it knows. So the machines of a team can be updated one after another.
ALTER TABLE work.migrations ADD COLUMN needs integer;
UPDATE work.migrations SET needs = version;
ALTER TABLE work.migrations ALTER COLUMN needs SET NOT NULL;
