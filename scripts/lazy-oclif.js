import { readFile } from 'node:fs/promises';

/** What every command needs; the package's own index loads help, plugins and a check of Node's version as well. */
const parts = `
export * as Args from '@oclif/core/args';
export { Command } from '@oclif/core/command';
export * as Errors from '@oclif/core/errors';
export * as Flags from '@oclif/core/flags';
`;

/** Its log is for those who debug oclif; the package behind it opens terminals. */
const silentLogger = `
const silent = () => {};
const logger = { child: () => logger, debug: silent, error: silent, info: silent, namespace: '', trace: silent, warn: silent };
module.exports = { clearLoggers: silent, getLogger: () => logger, makeDebug: () => silent, setLogger: silent };
`;

/**
 * oclif requires at the top of each module all that any use of it may need: help, templates, plugins, loggers. Inside the
 * bundle those are required when they are first used, which spares a command most of them.
 */
export const lazyOclif = {
  name: 'lazy-oclif',
  setup(building) {
    const { absWorkingDir } = building.initialOptions;
    building.onResolve({ filter: /^@oclif\/core$/ }, () => ({ path: 'parts', namespace: 'oclif' }));
    building.onLoad({ filter: /./, namespace: 'oclif' }, () => ({
      contents: parts,
      resolveDir: absWorkingDir,
    }));
    building.onLoad({ filter: /\/node_modules\/@oclif\/core\/lib\/.*\.js$/ }, async ({ path }) => ({
      contents: path.endsWith('/lib/logger.js')
        ? silentLogger
        : requireWhenUsed(await readFile(path, 'utf8')),
    }));
  },
};

/** Whether a module of oclif is one that running a command takes. */
export function isPartOfRunning(path) {
  return /\/@oclif\/core\/(?:package.json|lib\/(?:args|cache|command|flags|logger|settings|symbols|parser\/\w+|errors\/.+|util\/(?:aggregate-flags|ids|util))\.js)$/.test(
    path,
  );
}

/** As TypeScript writes them: `const x_1 = require("x");`, or with `__importStar(…)` or `__importDefault(…)` around. */
const imports = /^(?:const|var) (\w+) = ((?:__import\w+\()?require\("[^"]+"\)\)?);$/gm;

/** It listens for errors of stdout as soon as it is loaded; src/cli/main.ts does that when stdout is used. */
const listening = /^process\.stdout\.on\('error', [\s\S]*?^\}\);$/m;

function requireWhenUsed(source) {
  const names = [...source.matchAll(imports)].map(([, name]) => name);
  if (names.length === 0) return source;
  // Not a property, nor the name of one, nor its own declaration.
  const uses = new RegExp(`(?<![.\\w$'"\`])(?:${names.join('|')})(?![\\w$'"\`]|\\s*:|\\s*=[^=])`, 'g');
  return source
    .replace(listening, '')
    .replace(uses, '($&())')
    .replace(
      imports,
      (_, name, load) => `let ${name}_loaded; const ${name} = () => (${name}_loaded ??= ${load});`,
    );
}
