import {
  type ArrayExpression,
  type CallExpression,
  type Expression,
  type LogicalExpression,
  type Node,
  type ObjectExpression,
  parseSync,
  visitorKeys,
} from 'oxc-parser';
import type { Mutation } from './mutation.js';
import { isLogCall, isText } from './prose.js';
import { isSql, mutateSql } from './sql.js';

type Found = Omit<Mutation, 'site'> & { site?: number };

/** Mutations of TypeScript that parse; those that do not type-check are among them. */
export function mutateTypeScript(source: string): Mutation[] {
  const { program, errors } = parseSync('source.ts', source);
  if (errors[0]) throw new Error(`cannot be parsed: ${errors[0].message}`);
  const found: Mutation[] = [];
  const visit = (node: Node, parent: Node | undefined) => {
    if (isText(node, parent)) return;
    for (const mutation of mutationsOf(node, parent, source))
      found.push({ site: mutation.start, ...mutation });
    for (const child of childrenOf(node)) visit(child, node);
  };
  visit(program, undefined);
  return found;
}

function childrenOf(node: Node): Node[] {
  const fields = node as unknown as Record<string, Node | (Node | null)[] | null | undefined>;
  return (visitorKeys[node.type] ?? [])
    .filter((key) => !(key === 'key' && 'computed' in node && !node.computed))
    .flatMap((key) => fields[key] ?? [])
    .filter((child) => child !== null);
}

/** Each condition is negated; one that only guards an early end is dropped as well. */
function mutationsOf(node: Node, parent: Node | undefined, source: string): Found[] {
  const text = (of: { start: number; end: number }) => source.slice(of.start, of.end);
  switch (node.type) {
    case 'IfStatement':
      return [
        ...negate(node.test, text),
        ...(node.alternate ? [] : [replace('never', node.test, `false && (${text(node.test)})`)]),
      ];
    case 'ConditionalExpression':
    case 'WhileStatement':
      return negate(node.test, text);
    case 'LogicalExpression':
      return mutateLogical(node, text);
    case 'BinaryExpression':
      return mutateBinary(node, parent, text);
    case 'UnaryExpression':
      if (node.operator === '-') return [replace('sign', node, text(node.argument))];
      return node.operator === '!' ? [replace('negate', node, text(node.argument))] : [];
    case 'UpdateExpression':
      return [
        replace(
          'sign',
          node,
          text(node).replace(/\+\+|--/, (sign) => (sign === '++' ? '--' : '++')),
        ),
      ];
    case 'ExpressionStatement':
      return removeStatement(node.expression, node);
    case 'AwaitExpression':
      if (parent?.type !== 'ExpressionStatement') return [];
      return [replace('no-await', node, `void ${text(node.argument)}`)];
    case 'ReturnStatement':
      if (node.argument?.type !== 'ArrayExpression' || node.argument.elements.length === 0) return [];
      return [replace('return-empty', node.argument, '[]')];
    case 'FunctionDeclaration':
    case 'FunctionExpression':
      return node.body ? emptyBody(node.body, text) : [];
    case 'ArrowFunctionExpression':
      return node.body.type === 'BlockStatement' ? emptyBody(node.body, text) : [];
    case 'ArrayExpression':
    case 'ObjectExpression':
      return dropElements(node, text);
    case 'CallExpression':
      return mutateCall(node, text);
    case 'Literal':
      return mutateLiteral(node, text(node));
    case 'TemplateLiteral':
      return mutateEmbeddedSql(node, text(node));
    default:
      return [];
  }
}

type Text = (of: { start: number; end: number }) => string;

function replace(operator: string, node: { start: number; end: number }, replacement: string): Found {
  return { operator, start: node.start, end: node.end, replacement };
}

function negate(test: Expression, text: Text): Found[] {
  return test.type === 'UnaryExpression' && test.operator === '!'
    ? []
    : [replace('negate', test, `!(${text(test)})`)];
}

function mutateLogical(node: LogicalExpression, text: Text): Found[] {
  const [left, right] = [text(node.left), text(node.right)];
  if (node.operator === '??') return [replace('no-fallback', node, `(${left})`)];
  const other = node.operator === '&&' ? '||' : '&&';
  return [replace('logic', node, `((${left}) ${other} (${right}))`), replace('left-only', node, `(${left})`)];
}

const swapped: Record<string, string> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
};

function mutateBinary(
  node: Node & { type: 'BinaryExpression' },
  parent: Node | undefined,
  text: Text,
): Found[] {
  const operator = swapped[node.operator];
  const isTest = parent !== undefined && 'test' in parent && parent.test === node;
  const isNegatedAlready = isTest && /^[!=]==$/.test(node.operator);
  if (!operator || isNegatedAlready || (node.operator === '+' && joinsText(node))) return [];
  const name = /^[-+*/]$/.test(node.operator) ? 'arithmetic' : 'comparison';
  return [replace(name, node, `(${text(node.left)} ${operator} ${text(node.right)})`)];
}

function joinsText(node: Node): boolean {
  if (node.type === 'TemplateLiteral') return true;
  if (node.type === 'Literal') return typeof node.value === 'string';
  return (
    node.type === 'BinaryExpression' &&
    node.operator === '+' &&
    (joinsText(node.left) || joinsText(node.right))
  );
}

function removeStatement(expression: Expression, statement: Node): Found[] {
  const removed = expression.type === 'AwaitExpression' ? expression.argument : expression;
  const call = removed.type === 'ChainExpression' ? removed.expression : removed;
  if (call.type === 'CallExpression' && (call.callee.type === 'Super' || isLogCall(call))) return [];
  const isEffect = ['CallExpression', 'AssignmentExpression', 'UpdateExpression'].includes(call.type);
  return isEffect ? [replace('no-statement', statement, ';')] : [];
}

/** Only where nothing is returned: what follows from a missing result is seen at once. */
function emptyBody(body: { start: number; end: number; body: Node[] }, text: Text): Found[] {
  if (body.body.length < 2 || /\breturn\s+[^;]/.test(text(body))) return [];
  return [replace('empty-body', body, '{}')];
}

function dropElements(node: ArrayExpression | ObjectExpression, text: Text): Found[] {
  const elements = node.type === 'ArrayExpression' ? node.elements : node.properties;
  const [open, close] = node.type === 'ArrayExpression' ? ['[', ']'] : ['{', '}'];
  return elements.flatMap((dropped) => {
    if (dropped === null || isText(dropped, node)) return [];
    const kept = elements
      .filter((element) => element !== dropped)
      .map((element) => (element ? text(element) : ''));
    return [replace('drop-element', node, `${open}${kept.join(', ')}${close}`)];
  });
}

const swappedMethods = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
]);

function mutateCall(node: CallExpression, text: Text): Found[] {
  if (node.callee.type !== 'MemberExpression' || node.callee.computed) return [];
  const { object, property } = node.callee;
  const name = text(property);
  const other = swappedMethods.get(name);
  if (other) return [replace('method', property, other)];
  return name === 'filter' && node.arguments.length > 0 ? [replace('no-filter', node, text(object))] : [];
}

function mutateLiteral(node: Node & { type: 'Literal' }, raw: string): Found[] {
  if (typeof node.value === 'boolean') return [replace('constant', node, String(!node.value))];
  if (typeof node.value === 'number')
    return [replace('constant', node, node.value === 1 ? '0' : `(${raw} + 1)`)];
  if (typeof node.value !== 'string') return [];
  if (isSql(node.value)) return mutateEmbeddedSql(node, raw);
  return [replace('constant', node, `${raw.slice(0, -1)}_${raw.slice(-1)}`)];
}

/** The quotes and what is interpolated count as names in the statement. */
function mutateEmbeddedSql(node: { start: number }, raw: string): Found[] {
  if (!isSql(raw.slice(1))) return [];
  const masked = raw.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, (inserted) => 'x'.repeat(inserted.length));
  const [opened, closed] = [masked.slice(1, -1), raw.slice(1, -1)];
  return mutateSql(opened, closed).map((mutation) => ({
    ...mutation,
    site: mutation.site + node.start + 1,
    start: mutation.start + node.start + 1,
    end: mutation.end + node.start + 1,
  }));
}
