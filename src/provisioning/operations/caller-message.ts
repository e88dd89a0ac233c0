import { isIPv6 } from 'node:net';
import { messageOf } from '../../errors.js';
import { redactSecrets } from '../../registry/values/secret-detector.js';

/**
 * Returns the text of an error that operations keep, for callers with the scopes registry:read and provision. They see
 * what a database refused, because they correct migrations and grants, but neither addresses of servers nor names of
 * roles. The log has the whole error, with the id of the operation.
 */
export function messageForCaller(error: unknown): string {
  const code = codeOf(error);
  if (unreachable.test(code))
    return `The database server cannot be reached (${code}): the log has its address`;
  if (code.startsWith('28')) return `The database server refused the login (${code}): the log has the reason`;
  return redactSecrets(withoutPlaces(messageOf(error)));
}

const unreachable =
  /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EHOST|ENET|ENOENT|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

/** A host with several addresses gives an AggregateError, whose parts have the code. */
function codeOf(error: unknown): string {
  const [one] = error instanceof AggregateError ? error.errors : [error];
  const { code } = (one ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** Replaces addresses, names of hosts and names of roles in the messages of PostgreSQL and Node.js. */
function withoutPlaces(message: string): string {
  return message
    .replace(/\b(role|user|host|server) "[^"]*"/gi, '$1 "…"')
    .replace(/\b[a-z]+:\/\/[^\s"']+/gi, '…')
    .replace(/\b(ECONN[A-Z]*|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH) [^\s,;]+/g, '$1 …')
    .replace(/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, '…')
    .replace(/[0-9a-f.]*:[0-9a-f.:]*:[0-9a-f.:]*/gi, (text) => (isIPv6(text) ? '…' : text));
}
