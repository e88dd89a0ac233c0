import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { waitFor } from './blocked-migration.js';

export interface OperationView {
  id: string;
  kind: string;
  status: string;
  error: string | null;
  attempt: number;
  steps: { name: string; status: string; error: string | null }[];
}

const fields = 'id kind status error attempt steps { name status error }';

const endings = ['SUCCEEDED', 'FAILED', 'COMPENSATED', 'CANCELLED', 'NEEDS_ATTENTION'];

export async function readOperation(gateway: TestGateway, id: string): Promise<OperationView> {
  const { data } = await gateway.ask(`query ($id: ID!) { operation(id: $id) { ${fields} } }`, { id });
  return data.operation;
}

/** Waits for the end of the operation and returns it. */
export async function awaitOperationEnd(gateway: TestGateway, id: string): Promise<OperationView> {
  await waitFor(async () => endings.includes((await readOperation(gateway, id)).status));
  return readOperation(gateway, id);
}

export async function controlOperation(
  gateway: TestGateway,
  name: 'retryOperation' | 'cancelOperation',
  id: string,
): Promise<{ operation: OperationView | undefined; code: string | undefined; message: string }> {
  const { result, errors } = await mutate(gateway, name, { id }, `operation { ${fields} } revision`);
  return {
    operation: result?.operation,
    code: errors[0]?.extensions.code,
    message: errors[0]?.message ?? '',
  };
}

/** Waits for an operation of the kind and returns the id of the newest one. */
export async function newestOperation(gateway: TestGateway, tenantId: string, kind: string): Promise<string> {
  const find = () =>
    gateway.psql<{ id: string }>(
      `SELECT id FROM operations WHERE tenant_id = $1 AND kind = $2::operation_kind ORDER BY created_at DESC LIMIT 1`,
      [tenantId, kind],
    );
  await waitFor(async () => (await find()).length === 1);
  const [row] = await find();
  return row?.id ?? '';
}

/** All events of the subscription operationProgress until it completes. */
export async function watchProgress(
  gateway: TestGateway,
  id: string,
): Promise<{ status: string; isEnd: boolean }[]> {
  const sent = request(`${gateway.url}/graphql`, {
    method: 'POST',
    agent: false,
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
  });
  sent.end(
    JSON.stringify({
      query: `subscription ($id: ID!) { operationProgress(id: $id) { isEnd operation { ${fields} } } }`,
      variables: { id },
    }),
  );
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const events: { status: string; isEnd: boolean }[] = [];
  for await (const line of createInterface({ input: response })) {
    if (!line.startsWith('data: {')) continue;
    const event = JSON.parse(line.slice('data: '.length)).data.operationProgress;
    events.push({ status: event.operation.status, isEnd: event.isEnd });
  }
  return events;
}
