import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { HawserError } from '../errors/hawser-error.ts';
import type { LoadedConfig } from '../registry-server/config/load-config.ts';
import type { StorageSettings } from '../registry-server/config/storage-schema.ts';
import type { StorageDriver } from '../registry-server/storage/driver.ts';
import type { Roots } from '../util/roots.ts';

/** The volume of registry:2, where it can be written to. */
const standardVolume = '/var/lib/registry';

export const configArg = Args.string({
  description: 'a configuration file of registry:2; default REGISTRY_CONFIGURATION_PATH',
});

export const rootFlag = Flags.string({
  description: `the volume; default ${standardVolume}, or a folder of HAWSER_ROOT`,
  helpValue: 'DIR',
});

export interface VolumeChoice {
  readonly config: string | undefined;
  readonly root: string | undefined;
  readonly roots: Roots;
}

async function defaultVolume(roots: Roots): Promise<string> {
  try {
    await access(standardVolume, constants.W_OK);
    return standardVolume;
  } catch {
    // Not there or not ours: a volume beside our images serves as well, and needs no right on /var/lib.
    return join(roots.root, 'registry');
  }
}

/** How a registry serves without a configuration file. */
const defaults = (root: string) => `
version: 0.1
log: { accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${JSON.stringify(root)} }, delete: { enabled: true } }
`;

/** The configuration file that was named, or hawser's own; `REGISTRY_*` variables over either. */
export async function loadRegistryConfig({ config, root, roots }: VolumeChoice): Promise<LoadedConfig> {
  const { configOfEnvironment, loadConfigFile } = await import('../registry-server/config/load-config.ts');
  const file = config ?? process.env.REGISTRY_CONFIGURATION_PATH;
  if (file !== undefined) return await loadConfigFile(file, process.env);
  return configOfEnvironment(defaults(root ?? (await defaultVolume(roots))), process.env);
}

export interface ChosenVolume {
  readonly driver: StorageDriver;
}

/** The volume that a command works on, which must exist. @throws HawserError NOT_FOUND, INVALID_ARGUMENT */
export async function openRegistryVolume(choice: VolumeChoice): Promise<ChosenVolume> {
  const { config } = await loadRegistryConfig(choice);
  const storage = config.storage.driver;
  const where = choice.root ?? volumeName(storage);
  if (choice.root === undefined && storage.kind === 'inmemory') {
    throw new HawserError('INVALID_ARGUMENT', 'the volume is in the memory of the registry that serves it');
  }
  const driver = await openExisting(
    choice.root === undefined ? storage : { kind: 'filesystem', root: choice.root },
  );
  if ((await driver.stat('docker/registry/v2')) === undefined) {
    await driver.close?.();
    throw new HawserError(
      'NOT_FOUND',
      `${where} is no volume of a registry: there is no docker/registry/v2 in it`,
      {
        remedy: 'Name one with --root, or a configuration file.',
      },
    );
  }
  return { driver };
}

async function openExisting(storage: StorageSettings): Promise<StorageDriver> {
  if (storage.kind !== 'filesystem') {
    const { openDriver } = await import('../registry-server/storage/open-driver.ts');
    return await openDriver(storage);
  }
  const { FilesystemDriver } = await import('../registry-server/storage/filesystem-driver.ts');
  return new FilesystemDriver(storage.root);
}

/** A volume as a log tells of it. */
export function volumeName(storage: StorageSettings): string {
  switch (storage.kind) {
    case 'filesystem':
      return storage.root;
    case 'inmemory':
      return 'memory';
    case 's3':
      return `s3://${[storage.bucket, storage.prefix].filter(part => part !== '').join('/')}`;
  }
}
