/**
 * SQL of a superuser that makes a log of the past: adds entries, each a revision, and dates all entries anew, evenly from the
 * given number of days ago until now. Hashes and head are those that the triggers would have written.
 */
export function growLogSql(entries: number, days: number): string {
  return `DO $$
    DECLARE
      head registry_head;
      entry registry_change;
      hash bytea := '';
      total int;
      number int := 0;
    BEGIN
      PERFORM set_config('session_replication_role', 'replica', true);
      SELECT * INTO head FROM registry_head;
      INSERT INTO registry_change (revision, position, kind, entity_id, actor, database_role, after, changed_at, previous_hash, hash)
        SELECT head.revision + one, 0, 'module.updated', 'finance', 'operator:test', 'test', '{"name": "\\u00e9 1.50"}', now(), '', ''
        FROM generate_series(1, ${entries}) AS one;
      SELECT count(*) INTO total FROM registry_change;
      FOR entry IN SELECT * FROM registry_change ORDER BY revision, position LOOP
        number := number + 1;
        entry.changed_at := now() - interval '${days} days' * (total - number) / total;
        entry.previous_hash := hash;
        hash := registry_change_hash(entry);
        UPDATE registry_change SET changed_at = entry.changed_at, previous_hash = entry.previous_hash, hash = registry_change_hash(entry)
          WHERE revision = entry.revision AND position = entry.position;
      END LOOP;
      UPDATE registry_head SET revision = entry.revision, position = entry.position, hash = registry_change_hash(entry);
    END $$`;
}
