-- The words of pushes, texts and mails, as the back office publishes them. A version never changes; which one is used does.
CREATE TABLE template (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  active_version integer
);
CREATE TABLE template_version (
  name text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  body json NOT NULL,
  html json NOT NULL,
  published_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (name, version)
);

CREATE FUNCTION template_version_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a version of a template never changes';
END $$;
CREATE TRIGGER template_version_stands BEFORE UPDATE ON template_version
  FOR EACH ROW EXECUTE FUNCTION template_version_stands();

-- A text says what a mail does not: where a template has words for both, each has its own.
ALTER TABLE message ADD COLUMN sms_body text;
