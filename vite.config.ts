/** Builds the admin page into dist/admin, and serves it from its sources for `npm run dev`. */
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const root = import.meta.dirname;
const outDir = join(root, 'dist/admin');

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** Where `npm run dev` has its gateway. */
const gateway = process.env.GATEWAY_URL ?? `http://127.0.0.1:${process.env.PORT ?? 4000}`;

export default defineConfig(({ command }) => ({
  root: join(root, 'src/admin'),
  // Relative, because the server puts the page below BASE_PATH, which the build does not know.
  base: command === 'build' ? './' : '/admin/',
  publicDir: false,
  clearScreen: false,
  // The screen About shows it.
  define: { 'import.meta.env.VITE_VERSION': JSON.stringify(version) },
  plugins: [react(), compressed()],
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2022',
    // Browsers with light-dark(); the transformation for older ones does not know where the scheme is set.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The policy of the page allows no scripts and fonts in its text.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One file with the page: styles that cannot be loaded during an outage would not be asked for again.
    cssCodeSplit: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
  },
  server: {
    port: 5173,
    strictPort: true,
    // The Host of the browser stays, because the gateway compares it with the page's origin.
    proxy: { '/graphql': { target: gateway, changeOrigin: false } },
  },
}));

/** Leaves a compressed copy of each file beside it, so that the server never compresses. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    async writeBundle() {
      const folder = join(outDir, 'assets');
      await Promise.all((await readdir(folder)).map((name) => compress(join(folder, name))));
    },
  };
}

async function compress(file: string): Promise<void> {
  const plain = await readFile(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(plain, { params }));
  await writeFile(`${file}.gz`, await promisify(gzip)(plain, { level: 9 }));
}
