import { join } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import { withFileLock } from '../../util/file-lock.ts';
import { requireProgram } from '../find-program.ts';
import { runProgram } from '../run-program.ts';
import { networkFolder } from './network-folder.ts';

/*
 * The packet filter's rules of the whole bridge, in two chains of ours that are set up once. The CNI plugin `firewall`
 * and the bridge's `ipMasq` do the same for each container, with some thirty calls of iptables at its start and end,
 * which take longer than all the rest of it. docs/decisions/0012-one-network-per-machine.md
 */
const forward = 'HAWSER-FORWARD';
const masquerade = 'HAWSER-MASQUERADE';

function rulesOf(bridge: string, subnet: string, missing: { forward: boolean; masquerade: boolean }): string {
  const lines = [
    '*filter',
    `:${forward} - [0:0]`,
    `-A ${forward} -o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT`,
    `-A ${forward} -i ${bridge} -j ACCEPT`,
    // Docker sets the policy of FORWARD to DROP: ours must be asked first.
    ...(missing.forward ? [`-I FORWARD -j ${forward}`] : []),
    'COMMIT',
    '*nat',
    `:${masquerade} - [0:0]`,
    `-A ${masquerade} -s ${subnet} -d ${subnet} -j RETURN`,
    `-A ${masquerade} -s ${subnet} ! -d 224.0.0.0/4 -j MASQUERADE`,
    ...(missing.masquerade ? [`-A POSTROUTING -j ${masquerade}`] : []),
    'COMMIT',
    '',
  ];
  return lines.join('\n');
}

async function lacking(iptables: string): Promise<{ forward: boolean; masquerade: boolean }> {
  const [inForward, inPostrouting] = await Promise.all([
    runProgram(iptables, ['--wait', '-t', 'filter', '-C', 'FORWARD', '-j', forward]),
    runProgram(iptables, ['--wait', '-t', 'nat', '-C', 'POSTROUTING', '-j', masquerade]),
  ]);
  return { forward: inForward.exitCode !== 0, masquerade: inPostrouting.exitCode !== 0 };
}

/**
 * Lets the bridge's containers reach the world, be reached at published ports, and each other. What somebody has flushed
 * comes back with the next start.
 *
 * @throws HawserError REQUIREMENT_MISSING, NETWORK_FAILED
 */
export async function ensureBridgeRules(bridge: string, subnet: string): Promise<void> {
  const iptables = requireProgram('iptables', { package: 'iptables' });
  const before = await lacking(iptables);
  if (!before.forward && !before.masquerade) return;
  await withFileLock(join(networkFolder, 'lock'), async () => {
    const missing = await lacking(iptables);
    if (!missing.forward && !missing.masquerade) return;
    const restore = requireProgram('iptables-restore', { package: 'iptables' });
    const { exitCode, stderr } = await runProgram(restore, ['--noflush', '--wait'], {
      input: rulesOf(bridge, subnet, missing),
    });
    if (exitCode !== 0) {
      throw new HawserError('NETWORK_FAILED', `set up the rules of ${bridge}: ${stderr.trim()}`, {
        remedy: 'Use --network host, or see whether iptables works on this machine.',
      });
    }
  });
}
