SET LOCAL lock_timeout = '10s';
ALTER TABLE analysis_callbacks DROP COLUMN sending_since;
