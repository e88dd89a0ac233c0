/**
 * SQL of the revision after which the present epoch began, from a row of registry_head: changes of other epochs with later revisions
 * were lost by a restore. Before the first change of an epoch that is the newest revision.
 */
export const epochBeganSql = 'CASE epoch WHEN registry_epoch() THEN epoch_began ELSE revision END';
