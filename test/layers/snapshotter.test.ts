import { describeSnapshotter } from './snapshotter-conformance.ts';

describeSnapshotter('overlay');
describeSnapshotter('copy');
