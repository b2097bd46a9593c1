-- readable from 25
CREATE INDEX submissions_counted ON submissions (assignment_id, user_id, (chosen_at IS NULL), attempt DESC) WHERE returned_at IS NULL;
