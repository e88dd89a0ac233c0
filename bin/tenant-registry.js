#!/usr/bin/env node
/** The command line. In a checkout it first updates the build; an installed package has only the build. */
import cluster from 'node:cluster';
import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `tenant-registry needs Node.js 20.19 or newer, and this is ${process.versions.node}: install a newer one from https://nodejs.org\n`,
  );
  process.exit(1);
}

// A worker of "serve --workers" runs the build of its primary process.
if (cluster.isPrimary && existsSync(new URL('../src/', import.meta.url))) {
  const { build } = await import('./build.js');
  // Without the client package and the example, which it does not run.
  if (!build(['prisma', 'server', 'admin'])) process.exit(1);
}

// npx starts this process through a shell, and a signal to npx ends only that shell. When the parent changes, this
// process stops as well.
if (cluster.isPrimary && process.env.npm_lifecycle_event === 'npx') {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

// Runs in this process, so that signals reach the server.
await import(new URL('../dist/bundle/main.js', import.meta.url).href);
