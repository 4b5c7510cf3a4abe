import { createSocket } from 'node:dgram';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { withFileLock } from '../../util/file-lock.ts';
import { isRunning, ownIdentity, type ProcessIdentity } from '../../util/process-identity.ts';
import { readJsonFile } from '../container-store.ts';
import type { PortMapping } from '../container-types.ts';
import { networkFolder } from './network-folder.ts';

/*
 * A published port is a rule of the packet filter, which no socket shows. So each is written down for the whole machine,
 * whatever HAWSER_ROOT: <network folder>/ports/<protocol>-<port>~<id>.
 */

interface Reservation {
  readonly hostIP: string;
  /** The starting hawser, then the container. */
  readonly process: ProcessIdentity;
}

function folder(): string {
  return join(networkFolder, 'ports');
}

function inUse(port: PortMapping, by?: string): HawserError {
  const address = `${port.hostIP === '' ? '0.0.0.0' : port.hostIP}:${port.hostPort}/${port.protocol}`;
  return new HawserError(
    'ADDRESS_IN_USE',
    `the port ${address} is taken${by === undefined ? '' : ` by container ${by}`}`,
    {
      remedy: 'Stop what holds it (see ss -lntup), or publish another port.',
      exitCode: 125,
    },
  );
}

/** Binds the port for a moment: who holds it, holds it with a socket. Gives the port, which for 0 is a free one. */
function tryBind(port: PortMapping): Promise<number> {
  const host = port.hostIP === '' ? '0.0.0.0' : port.hostIP;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const code = systemErrorCode(error);
      reject(code === 'EADDRINUSE' || code === 'EACCES' ? inUse(port) : error);
    };
    if (port.protocol === 'udp') {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.once('error', fail).bind(port.hostPort, host, () => {
        const bound = socket.address().port;
        socket.close(() => resolve(bound));
      });
      return;
    }
    const server = createServer();
    server.once('error', fail).listen({ port: port.hostPort, host }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port.hostPort;
      server.close(() => resolve(bound));
    });
  });
}

function overlaps(left: string, right: string): boolean {
  const any = (ip: string) => ip === '' || ip === '0.0.0.0' || ip === '::';
  return any(left) || any(right) || left === right;
}

/** Who has the port: the id of a container that runs, of any root. Drops what the dead left. */
function holderOf(port: PortMapping, names: readonly string[]): string | undefined {
  const prefix = `${port.protocol}-${port.hostPort}~`;
  for (const name of names.filter(name => name.startsWith(prefix))) {
    const path = join(folder(), name);
    const reservation = readJsonFile<Reservation>(path);
    if (reservation !== undefined && isRunning(reservation.process)) {
      if (overlaps(reservation.hostIP, port.hostIP)) return name.slice(prefix.length, prefix.length + 12);
    } else {
      rmSync(path, { force: true });
    }
  }
  return undefined;
}

function pathOf(port: PortMapping, id: string): string {
  return join(folder(), `${port.protocol}-${port.hostPort}~${id}`);
}

function write(port: PortMapping, id: string, process: ProcessIdentity): void {
  const reservation: Reservation = { hostIP: port.hostIP, process };
  writeFileSync(pathOf(port, id), JSON.stringify(reservation));
}

/**
 * Takes the host ports of a container, choosing those that are 0.
 *
 * @throws HawserError ADDRESS_IN_USE
 */
export function reservePorts(id: string, ports: readonly PortMapping[]): Promise<readonly PortMapping[]> {
  if (ports.length === 0) return Promise.resolve([]);
  return withFileLock(join(networkFolder, 'lock'), async () => {
    mkdirSync(folder(), { recursive: true });
    const taken: PortMapping[] = [];
    try {
      for (const port of ports) {
        const holder = holderOf(port, readdirSync(folder()));
        if (holder !== undefined) throw inUse(port, holder);
        const chosen = { ...port, hostPort: await tryBind(port) };
        write(chosen, id, ownIdentity());
        taken.push(chosen);
      }
      return taken;
    } catch (error) {
      releasePorts(id, taken);
      throw error;
    }
  });
}

/** Hands the ports over to the container itself, once it has a process. */
export function keepPorts(id: string, ports: readonly PortMapping[], process: ProcessIdentity): void {
  for (const port of ports) write(port, id, process);
}

export function releasePorts(id: string, ports: readonly PortMapping[]): void {
  for (const port of ports) rmSync(pathOf(port, id), { force: true });
}
