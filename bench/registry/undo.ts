/** Steps that put things back, last one first: at the end, after a failure, and on Ctrl-C. */
export interface Undo {
  add(step: () => unknown): void;
  run(): Promise<void>;
}

export function openUndo(): Undo {
  const steps: (() => unknown)[] = [];
  let running: Promise<void> | undefined;
  const undo: Undo = {
    add: (step) => void steps.push(step),
    run() {
      running ??= (async () => {
        for (const step of steps.splice(0).reverse()) await step();
      })();
      return running;
    },
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => undo.run().finally(() => process.exit(1)));
  return undo;
}
