-- The version of each gateway, so that an upgrade of several processes can be followed.

ALTER TABLE replicas ADD COLUMN version TEXT;

COMMENT ON COLUMN replicas.version IS 'Version of the package that the gateway runs, such as 1.4.0; null for a gateway from before this column.';
