-- Of a message whose clicks, opens and delivery are counted: what they are counted for, { team?, campaign?, template? }.
ALTER TABLE message ADD COLUMN tracking json;
