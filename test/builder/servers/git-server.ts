import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { WebServer } from './web-server.ts';

const env = {
  ...process.env,
  HOME: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
  GIT_AUTHOR_DATE: '1000000000 +0000',
  GIT_COMMITTER_DATE: '1000000000 +0000',
};

/** A content, or a link to somewhere. */
type GitFile = string | { readonly link: string } | { readonly executable: string };

/** Repositories below a folder, served over HTTP by git's own backend. */
export class GitServer {
  readonly #folder: string;
  readonly #web: WebServer;

  private constructor(folder: string, web: WebServer) {
    this.#folder = folder;
    this.#web = web;
  }

  static async start(folder: string): Promise<GitServer> {
    mkdirSync(folder, { recursive: true });
    const web = await WebServer.start((request, response) => answer(folder, request, response));
    return new GitServer(folder, web);
  }

  get requests(): string[] {
    return this.#web.requests;
  }

  urlOf(name: string): string {
    return `${this.#web.url}/${name}.git`;
  }

  /** Runs git in the repository's work tree. */
  git(name: string, ...args: readonly string[]): string {
    const options = { cwd: join(this.#folder, name), env, encoding: 'utf8' as const };
    return execFileSync('git', args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }

  /** Commits these files to the branch `main`, in place of those that are there. @returns the commit */
  commit(name: string, files: Readonly<Record<string, GitFile>>): string {
    const tree = join(this.#folder, name);
    mkdirSync(tree, { recursive: true });
    if (!this.#exists(name)) this.git(name, 'init', '-q', '-b', 'main');
    this.git(name, 'rm', '-rqf', '--ignore-unmatch', '.');
    for (const [path, file] of Object.entries(files)) writeFile(join(tree, path), file);
    this.git(name, 'add', '-A');
    this.git(name, 'commit', '-q', '--allow-empty', '-m', 'change');
    this.publish(name);
    return this.git(name, 'rev-parse', 'HEAD');
  }

  /** Commits the repository `module` as a submodule, to be found at `url`. */
  addSubmodule(name: string, module: string, url: string): void {
    const source = join(this.#folder, `${module}.git`);
    this.git(name, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', source, module);
    this.git(name, 'config', '-f', '.gitmodules', `submodule.${module}.url`, url);
    this.git(name, 'commit', '-q', '-a', '-m', 'submodule');
    this.publish(name);
  }

  /** Makes what is committed and tagged visible to the outside. */
  publish(name: string): void {
    const bare = join(this.#folder, `${name}.git`);
    rmSync(bare, { recursive: true, force: true });
    execFileSync('git', ['clone', '-q', '--bare', join(this.#folder, name), bare], { env, stdio: 'ignore' });
  }

  #exists(name: string): boolean {
    try {
      return this.git(name, 'rev-parse', '--show-toplevel') === join(this.#folder, name);
    } catch {
      return false;
    }
  }

  stop(): Promise<void> {
    return this.#web.stop();
  }
}

function writeFile(path: string, file: GitFile): void {
  mkdirSync(dirname(path), { recursive: true });
  if (typeof file === 'string') writeFileSync(path, file);
  else if ('link' in file) symlinkSync(file.link, path);
  else writeFileSync(path, file.executable, { mode: 0o755 });
}

/** git-http-backend(1) behind CGI. */
function answer(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...env,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.once('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    for (const line of output.subarray(0, end).toString('latin1').split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  });
}
