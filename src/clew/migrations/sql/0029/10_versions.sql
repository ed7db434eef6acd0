SET LOCAL lock_timeout = '10s';
-- What the peer called the version that is `base_hash`: an event's timestamp as MISP writes it. Null where it is not known
-- yet: the next exchange reads it from the content, once.
ALTER TABLE exchange_states ADD COLUMN base_version TEXT;
