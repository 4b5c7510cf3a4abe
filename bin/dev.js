#!/usr/bin/env -S node --import tsx
// hawser from its source, without a build.
import { main } from '../src/cli/main.ts';

await main(process.argv.slice(2));
