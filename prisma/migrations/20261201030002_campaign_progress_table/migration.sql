-- It has the name of what it is: how far the members of an audience of a campaign have been found.
ALTER TABLE campaign_walk RENAME TO campaign_progress;
ALTER TABLE campaign_progress RENAME COLUMN walked_to TO found_up_to;
ALTER INDEX campaign_walk_pkey RENAME TO campaign_progress_pkey;

-- Nodes of before write by the old names until they are replaced.
CREATE VIEW campaign_walk AS
  SELECT campaign, position, selection, found_up_to AS walked_to, is_done, advanced_at FROM campaign_progress;
