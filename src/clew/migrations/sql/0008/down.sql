ALTER TABLE role_permissions NO FORCE ROW LEVEL SECURITY;
DELETE FROM role_permissions WHERE permission IN ('job:read', 'job:write');
ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY;
DELETE FROM permissions WHERE code IN ('job:read', 'job:write');
DROP TRIGGER announces_access ON sessions;
DROP TRIGGER announces_access ON users;
DROP TRIGGER announces_access ON api_keys;
DROP TRIGGER announces_access ON user_roles;
DROP TRIGGER announces_access ON role_permissions;
DROP TRIGGER announces ON investigations;
DROP TRIGGER announces ON targets;
REVOKE ALL ON schema_version FROM clew_runner;
DROP TRIGGER announces ON jobs;
DROP TRIGGER wakes_runners ON jobs;
DROP FUNCTION announce_change(), wake_runners();
DROP POLICY runner_reads ON jobs;
DROP POLICY runner_hands_out ON jobs;
REVOKE ALL ON jobs FROM clew_runner;
DROP INDEX jobs_waiting_idx, jobs_running_idx;
ALTER INDEX jobs_organization_id_status_run_after_idx RENAME TO jobs_organization_id_status_run_at_idx;
ALTER TABLE jobs DROP COLUMN user_id, DROP COLUMN step, DROP COLUMN bytes_done, DROP COLUMN bytes_total,
    DROP COLUMN records_done, DROP COLUMN records_total, DROP COLUMN error, DROP COLUMN claim_id,
    DROP COLUMN cancel_requested_at, DROP CONSTRAINT jobs_queue_check,
    ADD COLUMN locked_by TEXT, ADD COLUMN error_message TEXT;
ALTER TABLE jobs RENAME COLUMN run_after TO run_at;
ALTER TABLE jobs RENAME COLUMN parameters TO payload;
