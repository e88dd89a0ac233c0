/**
 * Ends this process, or cuts one of its connections, at a statement of the test's choosing. Whatever speaks to PostgreSQL here
 * does so through the driver's one method, Prisma too, so the product needs no switches and nothing can go past it.
 */
import pg from 'pg';

/**
 * @typedef {object} Point a statement with an effect, as it was about to be sent
 * @property {string} database
 * @property {string} sql
 * @property {boolean} lasts whether its effect is there when it is answered: it commits, or is in no transaction
 *
 * @typedef {object} Interruption
 * @property {number} at number of the statement, from 1
 * @property {'before' | 'sent' | 'after'} moment sent: it was, and nobody waits for the answer
 * @property {'kill' | 'cut'} how
 */

const words = 'CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|TRUNCATE|GRANT|REVOKE|COMMENT|DO|CALL|COMMIT|PREPARE';
const functions = 'registry_enqueue_binding|pg_terminate_backend|pg_cancel_backend';
const effect = new RegExp(`(^|;)\\s*(${words})\\b|\\b(${functions})\\(`, 'i');
// At any time, in any number: no point of its own.
const heartbeat = /^\s*UPDATE operations SET heartbeat_at/;

/** @type {Point[] | undefined} */
let points;
/** @type {Interruption | undefined} */
let interruption;
let hasStruck = false;

/**
 * From now on counts statements with an effect, and interrupts at one of them.
 * @param {Interruption | undefined} wanted
 */
export function countFromNow(wanted) {
  points = [];
  interruption = wanted;
  hasStruck = false;
}

/** Whether the wanted interruption has happened. A process that was killed cannot ask. */
export function wasInterrupted() {
  return hasStruck;
}

/** Ends the counting; returns what was counted. */
export function stopCounting() {
  const counted = points ?? [];
  points = undefined;
  return counted;
}

/** Connections in a transaction. */
const within = new WeakSet();

const original = pg.Client.prototype.query;

// The query has eight overloads, and all pass through here unchanged.
pg.Client.prototype.query = /** @this {any} @param {any[]} parameters @returns {any} */ function (
  ...parameters
) {
  const [first] = parameters;
  const sql = typeof first === 'string' ? first : first?.text;
  const send = () => Reflect.apply(original, this, parameters);
  // Several statements that are sent together end the transaction with the last one.
  const isEnd = /(^|;)\s*(COMMIT|ROLLBACK)\s*;?\s*$/i.test(sql);
  if (/^\s*BEGIN\b/i.test(sql)) within.add(this);
  if (isEnd) within.delete(this);
  if (!points || !effect.test(sql) || heartbeat.test(sql)) return send();
  points.push({ database: this.database, sql, lasts: !within.has(this) });
  if (points.length !== interruption?.at) return send();
  const { how, moment } = interruption;
  const strike = () => {
    hasStruck = true;
    if (how === 'kill') die();
    else this.connection.stream.destroy();
  };
  if (moment === 'before') {
    strike();
    return send();
  }
  if (moment === 'sent') {
    setImmediate(strike);
    return send();
  }
  // Several statements in one message bring their own callback, and no promise.
  if (typeof first?.submit === 'function') {
    const { callback } = first;
    first.callback = (/** @type {any[]} */ ...answer) => {
      strike();
      callback(...answer);
    };
    return send();
  }
  const callbackAt = parameters.findIndex((parameter) => typeof parameter === 'function');
  if (callbackAt >= 0) {
    const callback = parameters[callbackAt];
    parameters[callbackAt] = (/** @type {any[]} */ ...answer) => {
      strike();
      callback(...answer);
    };
    return send();
  }
  return send().finally(strike);
};

function die() {
  process.kill(process.pid, 'SIGKILL');
}
