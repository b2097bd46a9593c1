-- readable from 13
ALTER TABLE schema_migrations ADD COLUMN readable_from INTEGER;
