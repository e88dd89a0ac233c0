import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import { syntaxTree } from '@codemirror/language';
import { type Diagnostic, linter, lintGutter } from '@codemirror/lint';
import type { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { useComputedColorScheme } from '@mantine/core';
import CodeMirror from '@uiw/react-codemirror';
import { configSchema, fieldsAt, findProblems } from './config-schema.js';

type Node = ReturnType<ReturnType<typeof syntaxTree>['resolve']>;
type Path = (string | number)[];

const extensions = [
  json(),
  linter(findDiagnostics, { delay: 200 }),
  lintGutter(),
  autocompletion({ override: [completeFields] }),
  EditorView.lineWrapping,
  EditorView.contentAttributes.of({ 'aria-label': 'Configuration as JSON', tabindex: '0' }),
];

interface JsonEditorProps {
  text: string;
  isReadOnly: boolean;
  onChange: (text: string) => void;
}

/** An editor for a configuration: completion of field names, and problems as one types. */
export default function JsonEditor({ text, isReadOnly, onChange }: JsonEditorProps) {
  const scheme = useComputedColorScheme();
  return (
    <CodeMirror
      className="editor"
      value={text}
      theme={scheme}
      editable={!isReadOnly}
      extensions={extensions}
      onChange={onChange}
      maxHeight="60vh"
      minHeight="12rem"
    />
  );
}

function findDiagnostics(view: EditorView): readonly Diagnostic[] {
  const wrong = jsonParseLinter()(view);
  if (wrong.length > 0) return wrong;
  const value: unknown = JSON.parse(view.state.doc.toString() || '{}');
  return findProblems(value, configSchema).map(({ path, message }) => ({
    ...placeOf(view.state, path),
    severity: 'error' as const,
    message,
  }));
}

/** Where the value of a path stands in the text. */
function placeOf(state: EditorState, path: readonly (string | number)[]): { from: number; to: number } {
  let node: Node | null = syntaxTree(state).topNode.firstChild;
  for (const part of path) {
    const next: Node | null = node && stepInto(state, node, part);
    if (!next) break;
    node = next;
  }
  return node ? { from: node.from, to: node.to } : { from: 0, to: Math.min(1, state.doc.length) };
}

function stepInto(state: EditorState, node: Node, part: string | number): Node | null {
  if (typeof part === 'number') {
    const values = childrenOf(node).filter(({ name }) => !/^[[\],⚠]/.test(name));
    return values[part] ?? null;
  }
  const property = childrenOf(node).find((one) => one.name === 'Property' && nameOf(state, one) === part);
  return property?.lastChild ?? null;
}

function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

function nameOf(state: EditorState, property: Node): string | undefined {
  const name = property.getChild('PropertyName');
  if (!name) return undefined;
  try {
    return JSON.parse(state.sliceDoc(name.from, name.to)) as string;
  } catch {
    return undefined;
  }
}

function completeFields(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/"?\w*/);
  if (!word || (word.from === word.to && !context.explicit)) return null;
  const { state } = context;
  const inside = syntaxTree(state).resolveInner(word.from, -1);
  const path = pathOf(state, inside);
  if (!path) return null;
  return {
    from: word.from,
    options: Object.entries(fieldsAt(path)).map(([name, { type, description }]) => ({
      label: `"${name}"`,
      detail: type,
      info: description,
      apply: `"${name}": `,
    })),
    validFor: /^"?\w*$/,
  };
}

/** The path of the object around a place; null where a value stands and not a name. */
function pathOf(state: EditorState, start: Node): Path | null {
  let node: Node | null = start;
  while (node && node.name !== 'Object') {
    if (node.name === 'Array' || (node.name === 'Property' && node.getChild('PropertyName') === null))
      return null;
    node = node.parent;
  }
  const path: Path = [];
  while (node) {
    const parent: Node | null = node.parent;
    if (parent?.name === 'Property') path.unshift(nameOf(state, parent) ?? '');
    else if (parent?.name === 'Array') path.unshift(0);
    node = parent;
  }
  return path;
}
