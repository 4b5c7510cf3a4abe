import { runStep } from '../../../src/runtime/run-step.ts';

/** A build that is killed in the middle of a step: `endless-step.ts ROOTFS RUN ISOLATION MARK`. */
const [rootfs = '', run = '', isolation = '', mark = ''] = process.argv.slice(2);
await runStep({
  rootfs,
  run,
  isolation: isolation === 'oci' ? 'oci' : 'chroot',
  args: ['/bin/sh', '-c', `sleep ${mark} & echo ready; wait`],
  env: ['PATH=/bin'],
  cwd: '/',
  onOutput: (_, chunk) => process.stdout.write(chunk),
});
