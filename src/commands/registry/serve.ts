import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseListenAddress } from '../../cli/listen-address.ts';

/** The volume of registry:2, where it can be written to. */
const standardVolume = '/var/lib/registry';

export default class RegistryServe extends BaseCommand {
  static override readonly summary = 'Serve an OCI registry from a volume in the layout of registry:2';
  static override readonly examples = [
    'hawser registry serve',
    'hawser registry serve --addr :5000 --root /srv/registry',
  ];
  static override readonly flags = {
    addr: Flags.string({ default: ':5000', description: 'where to listen', helpValue: '[HOST]:PORT' }),
    root: Flags.string({
      description: `the volume; default ${standardVolume}, or a folder of HAWSER_ROOT`,
      helpValue: 'DIR',
    }),
    'access-log': Flags.boolean({ description: 'a line on stderr for each request' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(RegistryServe);
    const { startRegistry } = await import('../../registry-server/start-registry.ts');
    const root = flags.root ?? (await this.#defaultVolume());
    const { host, port } = parseListenAddress(flags.addr);
    const log = flags['access-log'] ? (line: string) => this.note(line) : undefined;
    const registry = await startRegistry({ root, host, port, log });
    this.note(`registry: serving ${root} on ${registry.url}`);
    await new Promise(resolve => this.signal.addEventListener('abort', resolve, { once: true }));
    this.note('registry: finishing the requests that run');
    await registry.close();
  }

  async #defaultVolume(): Promise<string> {
    try {
      await access(standardVolume, constants.W_OK);
      return standardVolume;
    } catch {
      // Not there or not ours: a volume beside our images serves as well, and needs no right on /var/lib.
      const root = join(this.roots.root, 'registry');
      await mkdir(root, { recursive: true });
      return root;
    }
  }
}
