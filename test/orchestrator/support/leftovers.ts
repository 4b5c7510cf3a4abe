import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerEngine } from '../../../src/runtime/container-engine.ts';

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Empty for what is gone meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Those that have the folder in their arguments (conmon, cleanups), or are in a cgroup of a pod. */
function processesOf(folder: string, uids: readonly string[]): readonly string[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && name !== String(process.pid));
  return pids.flatMap(pid => {
    const command = textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    const groups = textOf(`/proc/${pid}/cgroup`);
    const ours = command.includes(folder) || uids.some(uid => groups.includes(uid));
    return ours && command !== '' ? [`process ${pid} ${command}`] : [];
  });
}

function networkOf(ids: readonly string[]): readonly string[] {
  const folder = '/run/hawser-network';
  const addresses = join(folder, 'addresses', 'hawser');
  const held = namesIn(addresses).filter(name => ids.some(id => textOf(join(addresses, name)).includes(id)));
  const ports = namesIn(join(folder, 'ports')).filter(name => ids.some(id => name.includes(id)));
  const rules = spawnSync('iptables-save', { encoding: 'utf8' }).stdout.split('\n');
  return [
    ...held.map(name => `address ${name}`),
    ...ports.map(name => `port ${name}`),
    ...rules.filter(rule => ids.some(id => rule.includes(id))),
  ];
}

function cgroupsOf(uids: readonly string[]): readonly string[] {
  const points = readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .filter(line => / - cgroup2? /.test(line))
    .map(line => line.split(' ')[4] ?? '');
  return points.flatMap(point =>
    namesIn(join(point, 'hawser'))
      .filter(name => uids.some(uid => name.includes(uid)))
      .map(name => join(point, 'hawser', name)),
  );
}

/** What is left on this machine of pods and their containers, in words. */
function leftoversNow(
  engine: ContainerEngine,
  pods: { readonly uids: readonly string[]; readonly ids: readonly string[] },
): readonly string[] {
  const { root, run } = engine;
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => line.includes(join(run, 'containers')) || line.includes(join(root, 'cluster')));
  const containers = namesIn(join(root, 'containers')).filter(name => name !== 'names');
  return [
    ...mounts.map(line => `mount ${line}`),
    ...containers.map(name => `container ${name}`),
    ...namesIn(join(root, 'containers', 'names')).map(name => `name ${name}`),
    ...namesIn(join(root, 'cluster', 'pods')).map(name => `folder of pod ${name}`),
    ...namesIn(join(run, 'containers')).map(name => `bundle ${name}`),
    ...namesIn(join(run, 'runc')).map(name => `runtime state ${name}`),
    ...namesIn(join(run, 'locks'))
      .filter(name => /^container-[0-9a-f]{64}$/.test(name))
      .map(name => `lock ${name}`),
    ...processesOf(root, pods.uids),
    ...networkOf(pods.ids),
    ...cgroupsOf(pods.uids),
  ];
}

/** What is left for good: processes that are about to end have a few seconds. */
export async function leftovers(
  engine: ContainerEngine,
  pods: Parameters<typeof leftoversNow>[1],
): Promise<readonly string[]> {
  let found = leftoversNow(engine, pods);
  for (
    const end = Date.now() + 5000;
    found.length > 0 && Date.now() < end;
    found = leftoversNow(engine, pods)
  )
    await delay(50);
  return found;
}
