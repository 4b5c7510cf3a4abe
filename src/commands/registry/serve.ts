import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { parseListenAddress } from '../../cli/listen-address.ts';
import { configArg, loadRegistryConfig, rootFlag, volumeName } from '../../cli/registry-volume.ts';
import type { ProxySettings } from '../../registry-server/config/proxy-schema.ts';

async function openUpstream(settings: ProxySettings) {
  const { upstreamRegistry } = await import('../../cli/upstream-registry.ts');
  return upstreamRegistry(settings);
}

export default class RegistryServe extends BaseCommand {
  static override readonly summary = 'Serve an OCI registry from a volume in the layout of registry:2';
  static override readonly description =
    'CONFIG is a configuration file of registry:2 (version 0.1), which REGISTRY_* variables override; a key that hawser cannot honour ends the command with the reason.';
  static override readonly examples = [
    'hawser registry serve',
    'hawser registry serve --addr :5000 --root /srv/registry',
    'hawser registry serve /etc/docker/registry/config.yml',
  ];
  static override readonly args = { config: configArg };
  static override readonly flags = {
    addr: Flags.string({ description: 'where to listen; default :5000', helpValue: '[HOST]:PORT' }),
    root: rootFlag,
    'access-log': Flags.boolean({ description: 'a line on stderr for each request', allowNo: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryServe);
    const { optionsOfConfig } = await import('../../registry-server/config/options-of-config.ts');
    const { createLogger } = await import('../../registry-server/log/logger.ts');
    const { startRegistry } = await import('../../registry-server/start-registry.ts');
    const choice = { config: args.config, root: flags.root, roots: this.roots };
    const { config, notes } = await loadRegistryConfig(choice);
    const { level, formatter: format, fields } = config.log;
    const logger = createLogger({
      level: level ?? config.loglevel,
      format,
      fields,
      write: line => this.note(line),
    });
    for (const note of notes) logger.log('warn', note);
    const options = optionsOfConfig(config);
    const accessLog = flags['access-log'] ?? options.accessLog ?? false;
    const storage =
      flags.root === undefined ? options.storage : ({ kind: 'filesystem', root: flags.root } as const);
    const address = flags.addr === undefined ? {} : { ...parseListenAddress(flags.addr), socket: undefined };
    const upstream = config.proxy && (await openUpstream(config.proxy));
    const proxy = config.proxy && upstream && { ...config.proxy, upstream };
    const registry = await startRegistry({ ...options, ...address, storage, accessLog, logger, proxy });
    this.note(`registry: serving ${volumeName(storage)} on ${registry.url}`);
    await new Promise(resolve => this.signal.addEventListener('abort', resolve, { once: true }));
    this.note('registry: finishing the requests that run');
    await registry.close();
    upstream?.close();
  }
}
