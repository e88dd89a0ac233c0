import type pg from 'pg';
import type { Statement } from '../../../src/registry/lists/list-page-sql.js';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** What the statements read: tables without an index, and the most rows that one condition refused. */
export async function explain(
  client: pg.Client,
  statements: readonly Statement[],
): Promise<{ scanned: string[]; discarded: number }> {
  const nodes: PlanNode[] = [];
  const collect = (node: PlanNode) => {
    nodes.push(node);
    node.Plans?.forEach(collect);
  };
  for (const { text, values } of statements) {
    const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
    collect(rows[0]['QUERY PLAN'][0].Plan);
  }
  const discarded = (node: PlanNode) =>
    node['Actual Loops'] *
    ((node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0));
  return {
    scanned: nodes.flatMap((node) => (node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : [])),
    discarded: Math.max(...nodes.map(discarded)),
  };
}
