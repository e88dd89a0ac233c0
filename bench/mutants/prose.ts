import type { CallExpression, Node } from 'oxc-parser';
import { isSql } from './sql.js';

/** Types, imports, and whatever is only read by people: changing those is no mistake a test should find. */
export function isText(node: Node, parent: Node | undefined): boolean {
  if (node.type.startsWith('TS') && !expressionsOfTypeScript.has(node.type)) return true;
  if (node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration') return true;
  if (node.type === 'ExportNamedDeclaration') return node.source !== null;
  if (node.type === 'Property') return isTextName(node.key);
  if (node.type === 'CallExpression') return isLogCall(node);
  if (node.type === 'TemplateLiteral') {
    const whole = node.quasis.map(({ value }) => value.raw).join('');
    return /\s/.test(whole) && !isSql(whole);
  }
  if (node.type !== 'Literal') return false;
  if (typeof node.value !== 'string') return 'regex' in node || node.value === null;
  if (parent?.type === 'ImportExpression' || parent?.type === 'ExpressionStatement') return true;
  return node.value === '' || (/[\s…]/.test(node.value) && !isSql(node.value));
}

const expressionsOfTypeScript = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']);

const textNames =
  /^(description|deprecationReason|message|hint|help|summary|title|explanation|msg|example|examples)$/;

function isTextName(key: Node): boolean {
  return key.type === 'Identifier' && textNames.test(key.name);
}

/** `log.warn(…)` and its like, of any object whose name ends in "log". */
export function isLogCall({ callee }: CallExpression): boolean {
  if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier')
    return false;
  if (!/^(trace|debug|info|warn|error|fatal)$/.test(callee.property.name)) return false;
  const { object } = callee;
  const name = object.type === 'MemberExpression' && !object.computed ? object.property : object;
  return name.type === 'Identifier' && /log$/i.test(name.name);
}
