import type { Logger } from '../log/logger.ts';
import type { PurgeSettings } from '../registry-options.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { Periodic } from './periodic.ts';
import { purgeUploads } from './purge-uploads.ts';

/** Milliseconds from the start to the first look. */
const FIRST_PURGE = 60_000;

/** Gives up uploads that nobody goes on with, again and again. */
export function startPurging(driver: StorageDriver, purge: PurgeSettings, logger: Logger): Periodic {
  const options = { name: 'upload purging', delay: FIRST_PURGE, interval: purge.interval, logger };
  return new Periodic(options, async signal => {
    const before = Date.now() - purge.age;
    for await (const { name, id } of purgeUploads(driver, { before, dryRun: purge.dryRun, signal })) {
      logger.log('info', `${purge.dryRun ? 'would remove' : 'removed'} an upload that nobody went on with`, {
        'vars.name': name,
        'vars.uuid': id,
      });
    }
  });
}
