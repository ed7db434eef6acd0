DROP TABLE schedules;
ALTER TABLE jobs DROP COLUMN sent_at;
