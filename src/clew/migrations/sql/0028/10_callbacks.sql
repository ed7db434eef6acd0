SET LOCAL lock_timeout = '10s';
-- That a callback is about to go out is written before it does: who finds it unsettled does not send it again.
ALTER TABLE analysis_callbacks ADD COLUMN sending_since TIMESTAMP WITH TIME ZONE;
