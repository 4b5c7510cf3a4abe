import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, constants, openSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../../../errors/hawser-error.ts';
import { requireProgram } from '../../../runtime/find-program.ts';
import { runProgram } from '../../../runtime/run-program.ts';
import { makeStepBundle } from '../../../runtime/step-bundles.ts';

/** `--ssh`: the agent behind an id, or keys for an agent of their own. */
export type SshSource =
  | { readonly id: string; readonly socket: string }
  | { readonly id: string; readonly keys: readonly string[] };

export interface ForwardedAgent {
  /** A socket on the host. */
  readonly path: string;
  close(): Promise<void>;
}

export interface ForwardOptions {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** HAWSER_RUN */
  readonly run: string;
}

/**
 * A socket of our own before the agent's: it belongs to whom the step says, lives as long as the step, and leaves the
 * agent's as it is.
 *
 * @throws HawserError SECRET_UNKNOWN where no agent answers or a key is not taken, REQUIREMENT_MISSING
 */
export async function forwardAgent(source: SshSource, options: ForwardOptions): Promise<ForwardedAgent> {
  const { folder } = makeStepBundle(options.run);
  const releases = [async () => rmSync(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const release of releases.splice(0).toReversed()) await release();
  };
  try {
    let target: string;
    if ('socket' in source) {
      target = source.socket;
      await requireAnswer(source.id, target);
    } else {
      const agent = await startAgent(folder);
      releases.push(async () => agent.stop());
      target = agent.path;
      for (const key of source.keys) await addKey(target, key);
    }
    const proxy = socketProxy(target);
    releases.push(proxy.close);
    const path = await listenIn(proxy.server, folder);
    chownSync(path, options.uid, options.gid);
    chmodSync(path, options.mode);
    return { path, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Each connection gets one of its own to `target`. */
function socketProxy(target: string): { readonly server: Server; readonly close: () => Promise<void> } {
  const connections = new Set<Socket>();
  const server = createServer(client => {
    const upstream = createConnection(target);
    for (const socket of [client, upstream]) {
      connections.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        connections.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  const close = async () => {
    for (const socket of connections) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  return { server, close };
}

/** sun_path holds 107 bytes: the folder is named by a descriptor, however deep it lies. */
async function listenIn(server: Server, folder: string): Promise<string> {
  const directory = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  server.once('close', () => closeSync(directory));
  server.listen(`/proc/self/fd/${directory}/agent`);
  await once(server, 'listening');
  return join(folder, 'agent');
}

async function requireAnswer(id: string, path: string): Promise<void> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new HawserError('SECRET_UNKNOWN', `no ssh agent for ${id} answers at ${path}`, {
      cause: error,
      remedy: 'Start ssh-agent, and check SSH_AUTH_SOCK.',
    });
  } finally {
    socket.destroy();
  }
}

/**
 * An ssh-agent of our own, without keys. It goes with the program that it starts, which waits for the end of a pipe from
 * here: so it does not outlive a hawser that was killed.
 */
async function startAgent(folder: string): Promise<{ readonly path: string; readonly stop: () => void }> {
  const path = join(folder, 'own-agent');
  const program = requireProgram('ssh-agent', { package: 'openssh-client' });
  const waiting = ['/bin/sh', '-c', 'echo $SSH_AGENT_PID; exec cat > /dev/null'];
  const child = spawn(program, ['-a', path, ...waiting], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined); // it has ended before
  const [line] = (await Promise.race([once(child.stdout, 'data'), once(child, 'close')])) as [unknown];
  const agent = Number(line);
  const stop = () => {
    child.stdin.end();
    if (Number.isSafeInteger(agent) && agent > 1) killIfThere(agent);
  };
  return { path, stop };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}

/** Without a terminal or SSH_ASKPASS, a key with a passphrase fails instead of asking. */
async function addKey(agent: string, key: string): Promise<void> {
  const program = requireProgram('ssh-add', { package: 'openssh-client' });
  const added = await runProgram(program, [key], { env: { PATH: process.env.PATH, SSH_AUTH_SOCK: agent } });
  if (added.exitCode === 0) return;
  throw new HawserError('SECRET_UNKNOWN', `the ssh key ${key} is not taken: ${added.stderr.trim()}`, {
    remedy: 'Give a private key without a passphrase, or an agent that holds it.',
  });
}
