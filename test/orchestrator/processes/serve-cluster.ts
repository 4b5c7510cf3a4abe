import { openCluster } from '../support/open-cluster.ts';

/** A cluster in a process of its own, to be killed: `serve-cluster.ts FOLDER`. Tells its address in a line. */
const { cluster } = await openCluster(process.argv[2] ?? '', 'lmdb');
console.log(cluster.url);
