#!/usr/bin/env node
/** The command. In a checkout it first brings the build up to date; an installed package has only the build. */
import { existsSync } from 'node:fs';

if (existsSync(new URL('../src/', import.meta.url))) {
  const { build } = await import('./build.js');
  if (!build()) process.exit(1);
}

// npx puts a shell between itself and us, and a signal to npx ends that shell only: without it, stop as well.
if (process.env.npm_lifecycle_event === 'npx') {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

// In this process, so that signals reach the server itself.
await import(new URL('../dist/cli/main.js', import.meta.url).href);
