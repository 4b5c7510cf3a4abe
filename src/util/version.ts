import manifest from '../../package.json' with { type: 'json' };

/** The version of this hawser, from package.json. */
export const hawserVersion: string = manifest.version;
